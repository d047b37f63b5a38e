"""Renew the golden files after a deliberate change of how reports look: ``python -m tests.report.renew``."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from loocbench.report.formats import latex, markdown, separated, structured, terminal
from loocbench.report.table import table
from tests.report import fixed_store

GOLDEN = Path(__file__).parent / "golden"
TITLE = "Results: fixed"


def built() -> table.Table:
    """The table that the golden files show."""
    return table.build(fixed_store.rows(), table.Options(against="MoCo"))


def on_a_terminal(one: table.Table, width: int = 80) -> str:
    """As a person sees it, without colour."""
    stream = io.StringIO()
    terminal.render(one, Console(file=stream, width=width))
    return stream.getvalue()


FORMATS: dict[str, Callable[[table.Table], str]] = {
    "table.md": lambda one: markdown.render(one, TITLE),
    "pivoted.md": lambda one: markdown.render(one, TITLE, pivot=True),
    "table.csv": separated.render,
    "table.tex": lambda one: latex.render(one, TITLE),
    "table.json": lambda one: structured.render(one, TITLE) + "\n",
    "table.txt": on_a_terminal,
}


def main() -> None:
    """Write every golden file."""
    GOLDEN.mkdir(exist_ok=True)
    for name, render in FORMATS.items():
        (GOLDEN / name).write_text(render(built()), encoding="utf-8")


if __name__ == "__main__":
    main()
