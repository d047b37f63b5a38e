"""What the templates of HTML pages ask of a grid: the spans of its groups of columns, and its figures in words."""

from __future__ import annotations

from itertools import groupby

from loocbench.report.formats.grid import Grid
from loocbench.report.table import labels
from loocbench.report.table.cells import Cell


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
