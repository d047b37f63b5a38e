"""Report files of a suite: table.md and rows.csv, or a table in one format."""

from __future__ import annotations

from pathlib import Path

from loocbench import files
from loocbench.report.formats import csv_text, rendering
from loocbench.report.table.table import Table
from loocbench.types import Row


def write_suite_files(table: Table, rows: list[Row], folder: Path, suite: str, *, pivot: bool) -> list[Path]:
    """Write table.md and rows.csv (every figure of every row) into a folder, and return their paths."""
    from loocbench.records import frame  # imports pandas, which takes longer than a table

    every = frame.rows_to_frame(rows, suite)
    for name in (name for name, dtype in frame.COLUMNS.items() if dtype == "str"):
        every[name] = every[name].map(csv_text.escape_formula)
    files.write_text(folder / "rows.csv", every.to_csv(index=False))
    files.write_text(folder / "table.md", rendering.render_table(table, "markdown", report_title(suite), pivot=pivot))
    return [folder / "table.md", folder / "rows.csv"]


def report_title(suite: str) -> str:
    """Return the title of a suite's reports."""
    return f"Results: {suite}"
