"""Lines that give a metric's scale: a random ranking and the best possible one."""

from __future__ import annotations

from collections.abc import Sequence

from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.columns import Column
from loocbench.types import Row

_NAMES = {"random": "Random ranking", "oracle": "Best possible ranking"}


def scale_lines(rows: Sequence[Row], columns: Sequence[Column]) -> list[Line]:
    """A line for each kind of reference value that the rows state; the values depend on the labels alone."""
    values: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in rows:
        for kind, metrics in row.scale.items():
            for metric, value in metrics.items():
                values.setdefault((row.task, row.dataset_note, metric), {}).setdefault(kind, value)
    lines = []
    for kind in dict.fromkeys(kind for found in values.values() for kind in found):
        shown = [values.get((column.task, column.note, column.metric), {}).get(kind) for column in columns]
        cells = tuple(None if value is None else Cell(value) for value in shown)
        if any(cells):
            lines.append(Line(_NAMES.get(kind, kind), "", "", cells))
    return lines
