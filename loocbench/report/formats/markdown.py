"""The table as GitHub Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from loocbench.report.formats.comparison_rows import COMPARISON_HEADINGS, format_comparisons
from loocbench.report.formats.grid import PUBLISHED, Grid, build_grids, describe_marks, format_cell
from loocbench.report.formats.sign_rows import SIGNS_CAPTION, SIGNS_TITLE, format_signs, sign_headings
from loocbench.report.table.cells import Cell
from loocbench.report.table.table import Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~&#$])")  # GitHub renders text between two $ as mathematics


def render_markdown(table: Table, title: str, *, pivot: bool = False) -> str:
    """A page with the measured and published figures, the paired tests, the label-free signs and the notes."""
    parts = [f"# {escape_markdown(title)}", ""]
    for grid in build_grids(table, pivot=pivot) if table.columns else []:
        if grid.kind == PUBLISHED:
            parts += ["## Published figures", "", grid.caption, ""]
        if describe_marks(grid):
            parts += [describe_marks(grid), ""]
        parts += [*_grid_lines(grid), ""]
    if table.tests:
        rows = [[escape_markdown(value) for value in row] for row in format_comparisons(table.tests)]
        right = ["---"] * 3 + ["---:"] * 2 + ["---"] + ["---:"] * 2 + ["---"]
        parts += ["## Paired tests", "", *_row_lines([list(COMPARISON_HEADINGS), right, *rows]), ""]
    if table.signs:
        parts += [f"## {SIGNS_TITLE}", "", escape_markdown(SIGNS_CAPTION), "", *_sign_lines(table), ""]
    parts += [f"- {escape_markdown(note)}" for note in table.notes]
    return "\n".join(parts) + "\n"


def escape_markdown(text: str) -> str:
    """Text escaped for Markdown, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Text as inline code if it has no backtick, bar or backslash, else escaped."""
    plain = " ".join(text.split())
    return f"`{plain}`" if plain and not set(plain) & set("`|\\") else escape_markdown(plain)


def _grid_lines(grid: Grid) -> list[str]:
    features = grid.names.index("Features") if "Features" in grid.names else -1
    rows = [
        [*grid.names, *(escape_markdown(head.title) for head in grid.heads)],
        ["---"] * len(grid.names) + ["---:"] * len(grid.heads),
    ]
    for row in grid.rows:
        start = [_code(text) if place == features else escape_markdown(text) for place, text in enumerate(row.labels)]
        rows.append([*start, *map(_cell, row.cells)])
    return _row_lines(rows)


def _sign_lines(table: Table) -> list[str]:
    headings = sign_headings(table.signs)
    features = headings.index("Features")
    rows = [
        [_code(text) if place == features else escape_markdown(text) for place, text in enumerate(row)]
        for row in format_signs(table.signs)
    ]
    sides = [
        "---:" if name in ("Seeds", "Images") or (place > 3 and name) else "---" for place, name in enumerate(headings)
    ]
    return _row_lines([headings, sides, *rows])


def _cell(cell: Cell | None) -> str:
    text = format_cell(cell)
    return f"**{text}**" if cell and cell.rank == "best" else text


def _row_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in rows]
