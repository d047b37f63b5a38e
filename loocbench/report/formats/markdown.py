"""A table as GitHub Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from loocbench.report.formats.grid import PUBLISHED, TEST_NAMES, Grid, cell_text, comparison_rows, grids
from loocbench.report.table.cells import Cell
from loocbench.report.table.table import Table

_ACTIVE = re.compile(r"([\\`*_\[\]<>|~&#$])")  # GitHub takes what stands between two $ for mathematics


def render(table: Table, title: str, *, pivot: bool = False) -> str:
    """The whole page: the measured table, the published figures apart from it, the tests, the notes."""
    parts = [f"# {escape(title)}", ""]
    for grid in grids(table, pivot=pivot):
        if grid.kind == PUBLISHED:
            parts += ["## Published figures", "", grid.caption, ""]
        parts += [*_grid(grid), ""]
    if table.tests:
        rows = [[escape(value) for value in row] for row in comparison_rows(table.tests)]
        right = ["---"] * 3 + ["---:"] * 2 + ["---"] + ["---:"] * 2 + ["---"]
        parts += ["## Paired tests", "", *_lines([list(TEST_NAMES), right, *rows]), ""]
    parts += [f"- {escape(note)}" for note in table.notes]
    return "\n".join(parts) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _ACTIVE.sub(r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    """Features as code, where that can hold them."""
    plain = " ".join(text.split())
    return f"`{plain}`" if plain and not set(plain) & set("`|\\") else escape(plain)


def _grid(grid: Grid) -> list[str]:
    features = grid.names.index("Features") if "Features" in grid.names else -1
    rows = [
        [*grid.names, *(escape(head.title) for head in grid.heads)],
        ["---"] * len(grid.names) + ["---:"] * len(grid.heads),
    ]
    for row in grid.rows:
        start = [_code(text) if place == features else escape(text) for place, text in enumerate(row.labels)]
        rows.append([*start, *map(_cell, row.cells)])
    return _lines(rows)


def _cell(cell: Cell | None) -> str:
    text = cell_text(cell)
    marks = {"best": ("**", "**"), "second": ("<ins>", "</ins>")}.get(cell.rank if cell else "", ("", ""))
    return text.join(marks)


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in rows]
