"""Means of rows over pretraining seeds, for heat maps."""

from __future__ import annotations

from collections.abc import Sequence

from loocbench.report.table.aggregation import aggregate_cell
from loocbench.types import Metric, Row


def average_rows(rows: Sequence[Row]) -> Row:
    """The first row with the figures of a table's cells over all rows, their intervals too.

    Over several seeds an interval is Student's and may leave the metric's range.
    """
    if len(rows) == 1:
        return rows[0]
    metrics = {}
    for name in rows[0].metrics:
        cell = aggregate_cell(rows, name, "interval")
        if cell and cell.low is not None and cell.high is not None and cell.n is not None:  # a measured cell has them
            metrics[name] = Metric.model_construct(value=cell.value, low=cell.low, high=cell.high, n=cell.n)
    return rows[0].model_copy(update={"metrics": metrics})
