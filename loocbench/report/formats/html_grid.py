"""What the templates of HTML pages ask of a grid: the spans of its groups of columns, and its figures in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from loocbench.report.formats.grid import MEASURED, SCALE, Grid, GridRow, format_cell
from loocbench.report.table import labels
from loocbench.report.table.cells import NEAR_BEST, Cell
from loocbench.wording import count_of


@dataclass(frozen=True)
class BestFigure:
    """The best figure of a column in words: of which line, on how many seeds, and whether tests tell it from others."""

    column: str
    line: str
    figure: str
    seeds: str
    others: str


def group_spans(grid: Grid) -> list[tuple[str, int]]:
    """Each group of columns with the number of columns it spans."""
    return [(group, len(list(members))) for group, members in groupby(grid.heads, key=lambda head: head.group)]


def describe_cell(cell: Cell) -> str:
    """A figure with its interval, seeds, items and test, as a tooltip says them."""
    parts = [f"{labels.format_number(100 * cell.value, 2)} %"]
    if cell.low is not None and cell.high is not None:
        over = f"{cell.seeds} seeds" if cell.interval_over == "seeds" else "items, of 1 seed"
        low, high = labels.format_percent(cell.low), labels.format_percent(cell.high)
        parts.append(f"95 % interval {low} to {high} over {over}")
    if cell.sd is not None:
        parts.append(f"standard deviation {labels.format_percent(cell.sd)} over {cell.seeds} seeds")
    if cell.n is not None:
        parts.append(f"{cell.n:,} items")
    if cell.p_best is not None:
        parts.append(f"p {labels.format_p_value(cell.p_best)} against the best")
    return "; ".join(parts)


def describe_line(row: GridRow) -> str:
    """A row's features and seeds, which narrow screens show below its model: "looc++, 3 seeds"."""
    return ", ".join(filter(None, (row.labels[1], count_of(row.seeds, "seed") if row.seeds else "")))


def best_figures(grid: Grid) -> list[BestFigure]:
    """The best figure of each headline column of the measured lines; none where the columns are the models."""
    if grid.kind != MEASURED or grid.names[0] != "Model":
        return []
    rows = [row for row in grid.rows if row.family != SCALE]
    found = []
    for place, head in enumerate(grid.heads):
        figures = [(row, cell) for row in rows if (cell := row.cells[place])]
        best = [(row, cell) for row, cell in figures if cell.rank == "best"]
        if head.headline and best:
            cell = best[0][1]
            line = ", ".join(filter(None, (best[0][0].title, best[0][0].labels[1])))
            equal = f"{len(best) - 1:,} more of the same figure, " if len(best) > 1 else ""
            others = equal + _describe_others([other for _, other in figures if other.rank != "best"])
            found.append(BestFigure(head.title, line, format_cell(cell), count_of(cell.seeds, "seed"), others))
    return found


def _describe_others(others: Sequence[Cell]) -> str:
    """What tests say of the figures of a column that are not its best: "a test tells 9 of 16 others from it"."""
    told = sum(one.p_best is not None and not one.near_best for one in others)
    near = sum(one.near_best for one in others)
    if not others:
        return "all are equal"
    if not told and not near:
        return "no other could be tested"
    if told == len(others):
        return f"tests tell it from {'the other' if told == 1 else f'all {told:,} others'}"
    said = [f"tests do not tell {near:,} of {count_of(len(others), 'other')} from it ({NEAR_BEST})"] if near else []
    if left := len(others) - told - near:
        said.append(f"{left:,} not tested")
    return ", ".join(said)
