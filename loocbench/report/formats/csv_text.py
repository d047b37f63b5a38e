"""The table as comma-separated values; figures are the table's, fractions of 1, not shortened."""

from __future__ import annotations

import csv
import io

from loocbench.report.formats.grid import MEASURED, SCALE, Grid, build_grids
from loocbench.report.table.cells import NEAR_BEST, Cell
from loocbench.report.table.table import Table

_SEEDS = 2  # place of the number of seeds among the labels of a measured line
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # spreadsheets read text that begins so as a formula


def render_csv(table: Table, *, pivot: bool = False) -> str:
    """CSV with one header line.

    The first column, kind, is measured, scale or published. Each column of figures is followed by its ± (" ±"), by its
    number of pretraining seeds (" seeds": of several, ± is over them, of one, over test items), by its rank (" rank":
    "best", or ≈ where a test cannot tell it from the best) where there is one, by the marker of the paired tests if
    there are any (" mark"), and by measured minus published figure if known (" here").
    """
    every = build_grids(table, pivot=pivot)
    measured = every[0]
    columns = {head.title: [""] for grid in every for head in grid.heads}
    for title, suffixes in columns.items():
        suffixes.append(" ±")
        measured_cells = _column_cells(measured, title)
        if any(cell and cell.n for cell in measured_cells):
            suffixes.append(" seeds")
        if any(cell and cell.rank for cell in measured_cells):
            suffixes.append(" rank")
        if table.tests and any(head.title == title for head in measured.heads):
            suffixes.append(" mark")
        if any(cell and cell.difference is not None for grid in every for cell in _column_cells(grid, title)):
            suffixes.append(" here")
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = [name.lower().replace(" ", "_") for name in measured.names]
    titles = [title + suffix for title, suffixes in columns.items() for suffix in suffixes]
    writer.writerow(["kind", *names, *map(escape_formula, titles)])
    for grid in every:
        cells = {title: _column_cells(grid, title) for title in columns}
        for place, row in enumerate(grid.rows):
            kind = SCALE if row.family == SCALE else grid.kind
            labels = [*row.labels] if grid.kind == MEASURED or pivot else [row.labels[0], "", "", row.labels[1]]
            if grid.kind == MEASURED and not pivot:
                labels[_SEEDS] = str(row.seeds or "")
            values = [
                _format_figure(cells[title][place] if cells[title] else None, suffix)
                for title, suffixes in columns.items()
                for suffix in suffixes
            ]
            writer.writerow([kind, *map(escape_formula, labels), *values])
    return stream.getvalue()


def _column_cells(grid: Grid, title: str) -> list[Cell | None]:
    """The cells below a heading; [] if the grid has no such heading."""
    places = {head.title: place for place, head in enumerate(grid.heads)}
    return [row.cells[places[title]] for row in grid.rows] if title in places else []


def _format_figure(cell: Cell | None, suffix: str) -> str:
    if cell is None:
        return ""
    if suffix == " mark":
        return cell.marker
    if suffix == " seeds":
        return str(cell.seeds) if cell.n is not None else ""
    if suffix == " rank":
        return NEAR_BEST if cell.near_best else cell.rank
    value = {"": cell.value, " ±": cell.spread, " here": cell.difference}[suffix]
    return "" if value is None else repr(value)


def escape_formula(text: str) -> str:
    """Text on one line that spreadsheets do not read as a formula (prefixed by an apostrophe if necessary)."""
    plain = " ".join(text.split())
    return f"'{plain}" if plain.startswith(_FORMULA_STARTS) else plain
