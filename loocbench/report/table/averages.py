"""Means of rows over pretraining seeds, for curves and heat maps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from loocbench.report.table.aggregation import aggregate_cell
from loocbench.report.table.experiments import Experiment
from loocbench.types import Metric, Row

CURVE_VALUES = ("val_top1", "kept", "first", "top1", "invariance")  # of a curve's point; other keys say what was varied


def average_experiments(experiments: Sequence[Experiment], task: str, note: str) -> list[Row]:
    """The mean row of each experiment that was measured on a task and on the copy of its data named by ``note``."""
    means = []
    for one in experiments:
        rows = [row for row in one.rows if (row.task, row.dataset_note) == (task, note)]
        if rows:
            means.append(average_rows(rows))
    return means


def average_rows(rows: Sequence[Row]) -> Row:
    """The first row with the figures of a table's cells over all rows, their intervals too, and the means of curves.

    Over several seeds an interval is Student's and may leave the metric's range.
    """
    if len(rows) == 1:
        return rows[0]
    metrics = {}
    for name in rows[0].metrics:
        cell = aggregate_cell(rows, name, "interval")
        if cell and cell.low is not None and cell.high is not None and cell.n is not None:  # a measured cell has them
            metrics[name] = Metric.model_construct(value=cell.value, low=cell.low, high=cell.high, n=cell.n)
    return rows[0].model_copy(update={"metrics": metrics, "curve": _average_curves(rows)})


def _average_curves(rows: Sequence[Row]) -> list[dict[str, float]]:
    groups: dict[tuple[tuple[str, float], ...], list[dict[str, float]]] = defaultdict(list)
    for row in rows:
        for point in row.curve:
            varied = tuple((key, value) for key, value in point.items() if key not in CURVE_VALUES)
            groups[varied].append(point)
    curve = []
    for varied, points in groups.items():
        means = {
            key: sum(point[key] for point in points if key in point) / sum(key in point for point in points)
            for key in points[0]
            if key in CURVE_VALUES
        }
        curve.append({**dict(varied), **means})
    return curve
