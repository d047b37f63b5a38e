"""Renew the golden files after a deliberate change of how reports look: ``python -m tests.report.renew``."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from loocbench.report.formats import csv_text, json_text, latex, markdown, terminal
from loocbench.report.table.table import Table, TableOptions, build_table
from tests.report import fixed_store

GOLDEN = Path(__file__).parent / "golden"
TITLE = "Results: fixed"


def built() -> Table:
    """The table that the golden files show."""
    return build_table(fixed_store.rows(), TableOptions(against="MoCo"))


def on_a_terminal(one: Table, width: int = 80) -> str:
    """As a person sees it, without colour."""
    stream = io.StringIO()
    terminal.print_table(one, Console(file=stream, width=width))
    return stream.getvalue()


FORMATS: dict[str, Callable[[Table], str]] = {
    "table.md": lambda one: markdown.render_markdown(one, TITLE),
    "pivoted.md": lambda one: markdown.render_markdown(one, TITLE, pivot=True),
    "table.csv": csv_text.render_csv,
    "table.tex": lambda one: latex.render_latex(one, TITLE),
    "table.json": lambda one: json_text.render_json(one, TITLE) + "\n",
    "table.txt": on_a_terminal,
}


def main() -> None:
    """Write every golden file."""
    GOLDEN.mkdir(exist_ok=True)
    for name, render in FORMATS.items():
        (GOLDEN / name).write_text(render(built()), encoding="utf-8")


if __name__ == "__main__":
    main()
