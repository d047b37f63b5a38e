"""From the store to the written table, in any format."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal, get_args

from rich.console import Console

from loocbench import files
from loocbench.errors import UserError, unknown
from loocbench.progress import Reporter
from loocbench.records import frame, store
from loocbench.report.formats import latex, markdown, separated, structured, terminal
from loocbench.report.table import table
from loocbench.types import Row

Format = Literal["terminal", "markdown", "csv", "latex", "json", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)
_SUFFIXES: dict[str, Format] = {
    ".md": "markdown",
    ".markdown": "markdown",
    ".csv": "csv",
    ".tex": "latex",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".txt": "terminal",
}
_PLAIN_WIDTH = 120


def rows_of(results: Path, suite: str, reporter: Reporter) -> list[Row]:
    """The rows of a suite. Torn or foreign files are named and passed over. Raises UserError when there is no row."""
    rows: list[Row] = []
    for found in store.rows(results, suite):
        if isinstance(found, Row):
            rows.append(found)
        else:
            reporter.info(f"passed over {found.path}: {found.reason}")
    if not rows:
        others = [name for name in store.suites(results) if name != suite]
        there = f" There are rows of {', '.join(others)}." if others else ""
        raise UserError(
            f"no measured rows in {results / suite}; measure with 'loocbench probe', or name a --suite.{there}"
        )
    return rows


def format_of(name: str | None, output: Path | None) -> Format:
    """The format that is meant: the one that is named, else the one of the output's ending, else the terminal's.

    Raises UserError for one that does not exist.
    """
    if name is not None:
        for known in FORMATS:
            if name == known:
                return known
        raise unknown("format", name, FORMATS)
    if output is None:
        return "terminal"
    if output.suffix.lower() not in _SUFFIXES:
        raise UserError(f"cannot tell the format of {output}; name one with --format: {', '.join(FORMATS)}.")
    return _SUFFIXES[output.suffix.lower()]


def text_of(built: table.Table, kind: Format, title: str, *, pivot: bool) -> str:
    """A table as Markdown, CSV, LaTeX or JSON."""
    if kind == "markdown":
        return markdown.render(built, title, pivot=pivot)
    if kind == "csv":
        return separated.render(built, pivot=pivot)
    if kind == "latex":
        return latex.render(built, title, pivot=pivot)
    return structured.render(built, title) + "\n"


def write_usual(built: table.Table, rows: list[Row], results: Path, suite: str, *, pivot: bool) -> list[Path]:
    """Write what a suite's folder has: table.md, and rows.csv with every figure of every row, no text a formula."""
    folder = results / suite
    every = frame.to_frame(rows, suite)
    for name in (name for name, kind in frame.COLUMNS.items() if kind == "str"):
        every[name] = every[name].map(separated.safe)
    files.write_text(folder / "rows.csv", every.to_csv(index=False))
    files.write_text(folder / "table.md", markdown.render(built, f"Results: {suite}", pivot=pivot))
    return [folder / "table.md", folder / "rows.csv"]


def write_text(built: table.Table, kind: Format, suite: str, *, output: Path, pivot: bool) -> Path:
    """Write a table in any format but HTML."""
    title = f"Results: {suite}"
    if kind == "terminal":
        files.write_text(output, _plain(built, pivot=pivot))
    else:
        files.write_text(output, text_of(built, kind, title, pivot=pivot))
    return output


def _plain(built: table.Table, *, pivot: bool) -> str:
    stream = io.StringIO()
    terminal.render(built, Console(file=stream, width=_PLAIN_WIDTH), pivot=pivot)
    return stream.getvalue()
