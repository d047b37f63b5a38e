"""Report files of a suite: table.md and rows.csv, or a table in one format."""

from __future__ import annotations

from pathlib import Path

from loocbench import files
from loocbench.records import frame
from loocbench.report.formats import csv_text, rendering
from loocbench.report.formats.rendering import Format
from loocbench.report.table.table import Table
from loocbench.types import Row


def write_suite_files(table: Table, rows: list[Row], results: Path, suite: str, *, pivot: bool) -> list[Path]:
    """Write RESULTS/SUITE/table.md and rows.csv (every figure of every row), and return their paths."""
    folder = results / suite
    every = frame.rows_to_frame(rows, suite)
    for name in (name for name, dtype in frame.COLUMNS.items() if dtype == "str"):
        every[name] = every[name].map(csv_text.escape_formula)
    files.write_text(folder / "rows.csv", every.to_csv(index=False))
    write_table(table, "markdown", suite, folder / "table.md", pivot=pivot)
    return [folder / "table.md", folder / "rows.csv"]


def write_table(table: Table, format_: Format, suite: str, output: Path, *, pivot: bool) -> Path:
    """Write a table to ``output`` in any format but HTML; returns ``output``."""
    files.write_text(output, rendering.render_table(table, format_, report_title(suite), pivot=pivot))
    return output


def report_title(suite: str) -> str:
    """Return the title of a suite's reports."""
    return f"Results: {suite}"
