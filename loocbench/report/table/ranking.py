"""The best and second best figures of each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.columns import Column


def rank_cells(lines: Sequence[Line], columns: Sequence[Column]) -> list[Line]:
    """The lines with ``Cell.rank`` set: "best" for the best of a column and all as good as it, then "second" likewise.

    Two figures are equally good if they differ by at most the root of the sum of the squares of their half 95 %
    intervals, or read the same with one decimal. Columns with a single figure, or with a metric without a better end,
    are not ranked; "second" needs three figures.
    """
    if not lines:
        return []
    by_column = []
    for position, column in enumerate(columns):
        cells = [line.cells[position] for line in lines]
        by_column.append(_rank_column(cells, column.direction))
    return [replace(line, cells=tuple(column[place] for column in by_column)) for place, line in enumerate(lines)]


def _rank_column(cells: Sequence[Cell | None], direction: int) -> list[Cell | None]:
    present = [place for place, cell in enumerate(cells) if cell]
    out = list(cells)
    if direction == 0 or len(present) < 2:
        return out
    ranks: tuple[Literal["best", "second"], ...] = ("best", "second") if len(present) > 2 else ("best",)
    for rank in ranks:
        left = [(place, cell) for place in present if (cell := out[place]) and not cell.rank]
        if not left:
            break
        top = max((cell for _, cell in left), key=lambda cell: direction * cell.value)
        for place, cell in left:
            if _equally_good(cell, top):
                out[place] = replace(cell, rank=rank)
    return out


def _equally_good(cell: Cell, top: Cell) -> bool:
    apart = abs(top.value - cell.value)
    return apart <= (cell.half_width**2 + top.half_width**2) ** 0.5 or round(100 * cell.value, 1) == round(
        100 * top.value, 1
    )
