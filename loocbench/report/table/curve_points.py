"""The points of a curve: means of rows over pretraining seeds, with 95 % intervals where one is known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtri, stdtrit  # importing scipy.stats would take longer than building the table

from loocbench.report.table.aggregation import CONFIDENCE
from loocbench.report.table.cells import round_figure
from loocbench.types import Row

CURVE_VALUES = ("val_top1", "kept", "first", "top1", "invariance")  # of a curve's point; other keys say what was varied
_SHARES = ("kept", "first", "top1")  # means of test images' values in [0, 1], whose number the rows state
Point = tuple[float, float, float, float]  # x, y, low, high; low and high equal y if no interval is known


def average_curve(rows: Sequence[Row], x: str, y: str) -> tuple[Point, ...]:
    """Points of ``y`` over ``x``, sorted by x: means of checkpoints, with intervals.

    Over several checkpoints the interval is Student's, as in the table. Of one it is Wilson's over test images: exact
    for shares, and for means of other values in [0, 1] at most too wide, since no values of that mean vary more. Only
    places at which every checkpoint has a value are points: a mean over some of the seeds is not one of the curve.
    """
    count = _count_images(rows, x, y)
    points = []
    for place, own in sorted(_values_by_place(rows, x, y).items()):
        means = np.array([np.mean(values) for values in own.values()])
        value = float(means.mean())
        low, high = _find_interval(means, value, count)
        points.append((place, value, min(low, value), max(high, value)))  # rounding may take an end past the value
    return tuple(points)


def count_points(rows: Sequence[Row], x: str, y: str) -> int:
    """Return how many points :func:`average_curve` gives, without computing them."""
    return len(_values_by_place(rows, x, y))


def _values_by_place(rows: Sequence[Row], x: str, y: str) -> dict[float, dict[str, list[float]]]:
    """The values of ``y`` of each checkpoint, by the places of ``x`` at which every checkpoint has one."""
    found: dict[float, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    checkpoints = set()
    for row in rows:
        for point in row.curve:
            if x in point and y in point:
                checkpoints.add(row.checkpoint_hash)
                found[point[x]][row.checkpoint_hash].append(point[y])
    return {place: own for place, own in found.items() if len(own) == len(checkpoints)}


def _find_interval(means: np.ndarray, value: float, count: int | None) -> tuple[float, float]:
    if len(means) > 1:
        quantile = float(stdtrit(len(means) - 1, (1 + CONFIDENCE) / 2))
        reach = quantile * float(means.std(ddof=1)) / len(means) ** 0.5
        return round_figure(value - reach), round_figure(value + reach)
    return (value, value) if count is None else wilson_interval(value, count)


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of ``count`` items."""
    z = float(ndtri((1 + CONFIDENCE) / 2))
    center = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * (max(0.0, share * (1 - share)) / count + (z / (2 * count)) ** 2) ** 0.5
    return round_figure(max(0.0, center - reach)), round_figure(min(1.0, center + reach))


def _count_images(rows: Sequence[Row], x: str, y: str) -> int | None:
    """The fewest test images of the rows whose mean ``y`` is; None if it is no mean of values in [0, 1]."""
    names = (f"{x}_{y}", y)
    counts = [row.metrics[name].n for row in rows for name in names if name in row.metrics]
    return min(counts) if y in _SHARES and counts else None
