"""A table as comma-separated values: figures as they are stored, fractions of 1, not rounded."""

from __future__ import annotations

import csv
import io

from loocbench.report.formats.grid import MEASURED, SCALE, Grid, grids
from loocbench.report.table.cells import Cell
from loocbench.report.table.table import Table

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes text that begins so for a formula


def render(table: Table, *, pivot: bool = False) -> str:
    """One header line: the heads of the measured grid, and those that published figures alone have.

    Each column of figures is followed by its ±; by its marker, where there are tests; and by how much the measured
    figure differs from the published one, where that is known. The first column says whether a line is measured,
    published or of the scale.
    """
    every = grids(table, pivot=pivot)
    measured = every[0]
    columns = {head.title: [""] for grid in every for head in grid.heads}
    for title, kinds in columns.items():
        kinds.append(" ±")
        if table.tests and any(head.title == title for head in measured.heads):
            kinds.append(" mark")
        if any(cell and cell.difference is not None for grid in every for cell in _cells(grid, title)):
            kinds.append(" here")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = [name.lower().replace(" ", "_") for name in measured.names]
    titles = [title + kind for title, kinds in columns.items() for kind in kinds]
    writer.writerow(["kind", *names, *map(safe, titles)])
    for grid in every:
        cells = {title: _cells(grid, title) for title in columns}
        for place, row in enumerate(grid.rows):
            kind = SCALE if row.family == SCALE else grid.kind
            labels = [*row.labels] if grid.kind == MEASURED or pivot else [row.labels[0], "", row.labels[1]]
            values = [
                _figure(cells[title][place] if cells[title] else None, kind)
                for title, kinds in columns.items()
                for kind in kinds
            ]
            writer.writerow([kind, *map(safe, labels), *values])
    return stream.getvalue()


def _cells(grid: Grid, title: str) -> list[Cell | None]:
    """What stands below a head, a cell a row; nothing where the grid has no such head."""
    places = {head.title: place for place, head in enumerate(grid.heads)}
    return [row.cells[places[title]] for row in grid.rows] if title in places else []


def _figure(cell: Cell | None, kind: str) -> str:
    if cell is None:
        return ""
    if kind == " mark":
        return cell.marker
    value = {"": cell.value, " ±": cell.spread, " here": cell.difference}[kind]
    return "" if value is None else repr(value)


def safe(text: str) -> str:
    """Text on one line that no spreadsheet takes for a formula."""
    plain = " ".join(text.split())
    return f"'{plain}" if plain.startswith(_DANGEROUS) else plain
