"""A table as comma-separated values: figures as they are stored, fractions of 1, not rounded."""

from __future__ import annotations

import csv
import io

from loocbench.report.cells import Cell
from loocbench.report.grid import grids
from loocbench.report.table import Table

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes text that begins so for a formula


def render(table: Table, *, pivot: bool = False) -> str:
    """One header line. Each column of figures is followed by its ± and, where there are tests, its marker.

    The first column says whether a line is measured, published or of the scale.
    """
    from loocbench.report.grid import MEASURED, SCALE

    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    (measured, *others) = grids(table, pivot=pivot)
    names = [name.lower().replace(" ", "_") for name in measured.names]
    titles = [head.title for head in measured.heads]
    every = [name for title in titles for name in (title, f"{title} ±", *([f"{title} mark"] if table.tests else []))]
    writer.writerow(["kind", *names, *map(_safe, every)])
    for grid in (measured, *others):
        places = {head.title: place for place, head in enumerate(grid.heads)}
        for row in grid.rows:
            kind = SCALE if row.family == SCALE else grid.kind
            labels = [*row.labels] if grid.kind == MEASURED or pivot else [row.labels[0], "", row.labels[1]]
            values: list[str] = []
            for title, head in zip(titles, measured.heads, strict=True):
                place = places.get(title, places.get(head.title.partition(" [")[0]))
                values += _figures(row.cells[place] if place is not None else None, marks=bool(table.tests))
            if any(values):
                writer.writerow([kind, *map(_safe, labels), *values])
    return stream.getvalue()


def _figures(cell: Cell | None, *, marks: bool) -> list[str]:
    if cell is None:
        return [""] * (3 if marks else 2)
    figures = [repr(cell.value), "" if cell.spread is None else repr(cell.spread)]
    return [*figures, cell.marker] if marks else figures


def _safe(text: str) -> str:
    plain = " ".join(text.split())
    return f"'{plain}" if plain.startswith(_DANGEROUS) else plain
