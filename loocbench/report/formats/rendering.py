"""Choosing a format, and rendering a table in it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Literal, get_args

from rich.console import Console

from loocbench.errors import UserError, unknown
from loocbench.report.formats import csv_text, json_text, latex, markdown, terminal
from loocbench.report.table.table import Table

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
_FILE_WIDTH = 120  # characters of a terminal table that is written to a file


def choose_format(name: str | None, output: Path | None) -> Format:
    """The named format, else that of the output's ending, else "terminal". Raises UserError for an unknown one."""
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


def render_table(table: Table, format_: Format, title: str, *, pivot: bool) -> str:
    """A table as text in any format but HTML, whose page shows more than the table."""
    match format_:
        case "markdown":
            return markdown.render_markdown(table, title, pivot=pivot)
        case "csv":
            return csv_text.render_csv(table, pivot=pivot)
        case "latex":
            return latex.render_latex(table, title, pivot=pivot)
        case "json":
            return json_text.render_json(table, title) + "\n"
        case "terminal":
            stream = io.StringIO()
            terminal.print_table(table, Console(file=stream, width=_FILE_WIDTH), pivot=pivot)
            return stream.getvalue()
        case "html":
            raise ValueError("HTML is rendered by html_page.render_html")
