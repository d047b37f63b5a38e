"""The order of a table's lines."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loocbench.errors import unknown
from loocbench.report.table.cells import Line
from loocbench.report.table.columns import Column

BY_MODEL = "model"


def order_lines(lines: Sequence[Line], columns: Sequence[Column], *, key: str, reverse: bool) -> list[int]:
    """Indices of the lines in display order: unchanged for "model", else by the column TASK or TASK:METRIC, best first.

    Lines without that figure are last, also in reverse. Raises UserError for an unknown column.
    """
    places = list(range(len(lines)))
    if key == BY_MODEL:
        return places[::-1] if reverse else places
    position = find_columns(columns, key)[0]
    sign = -(columns[position].direction or 1) * (-1 if reverse else 1)

    def sort_value(place: int) -> float:
        cell = lines[place].cells[position]
        return sign * cell.value if cell else math.inf

    return sorted(places, key=sort_value)


def find_columns(columns: Sequence[Column], key: str) -> list[int]:
    """Return the positions of the columns TASK or TASK:METRIC; none for "model". Raises UserError where none fits."""
    if key == BY_MODEL:
        return []
    task, _, metric = key.partition(":")
    fitting = [
        place for place, column in enumerate(columns) if column.task == task and (not metric or column.metric == metric)
    ]
    if not fitting:
        known = dict.fromkeys(name for one in columns for name in (one.task, f"{one.task}:{one.metric}"))
        raise unknown("column to sort by", key, [BY_MODEL, *known])
    return fitting
