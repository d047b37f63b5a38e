"""Several rows of one experiment and task as one: what curves and heat maps show of several pretraining seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from loocbench.report.table.experiments import Experiment
from loocbench.types import Metric, Row

MEASURED = ("val_top1", "kept", "first", "top1", "invariance")  # what a curve's points say; their other key is where


def mean_rows(experiments: Sequence[Experiment], task: str, note: str) -> list[Row]:
    """The mean row of each experiment that was measured on a task, on the data that a note names."""
    found = []
    for one in experiments:
        rows = [row for row in one.rows if (row.task, row.dataset_note) == (task, note)]
        if rows:
            found.append(mean_row(rows))
    return found


def mean_row(rows: Sequence[Row]) -> Row:
    """The first row with the metrics' and the curve's means; intervals are means of intervals, for one row its own."""
    if len(rows) == 1:
        return rows[0]
    metrics = {}
    for name in rows[0].metrics:
        every = [row.metrics[name] for row in rows if name in row.metrics]
        value, low, high = (sum(getattr(one, side) for one in every) / len(every) for side in ("value", "low", "high"))
        metrics[name] = Metric(value=value, low=low, high=high, n=min(one.n for one in every))
    return rows[0].model_copy(update={"metrics": metrics, "curve": _mean_curve(rows)})


def _mean_curve(rows: Sequence[Row]) -> list[dict[str, float]]:
    places: dict[tuple[tuple[str, float], ...], list[dict[str, float]]] = defaultdict(list)
    for row in rows:
        for point in row.curve:
            where = tuple((key, value) for key, value in point.items() if key not in MEASURED)
            places[where].append(point)
    curve = []
    for where, points in places.items():
        means = {
            key: sum(point[key] for point in points if key in point) / sum(key in point for point in points)
            for key in points[0]
            if key in MEASURED
        }
        curve.append({**dict(where), **means})
    return curve
