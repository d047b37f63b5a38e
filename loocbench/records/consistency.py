"""Whether the figures of a row can be: intervals hold their values, values agree with items and stay in their range."""

from __future__ import annotations

import math

from loocbench.types import Row

_ROUNDING = 1e-9
_PACKING = 1e-3  # items are packed with three digits (loocbench.item_codec)
_EQUIVARIANCE = "_equivariance"  # a share of explained variance: no mean of items, and without a lower bound
# Kinds whose metrics are within 0 .. 1
_SHARES = ("controlled", "episodes", "few-shot", "knn", "linear", "retrieval", "robustness", "rotation")
_DIFFERENCES = ("sensitivity",)  # kinds that have differences and cosines too, within -1 .. 1
_DIMENSIONS = ("spectrum",)  # kinds whose metrics are numbers of dimensions, from 1
_ABOVE_ALL = 1.05  # what is added to shares of a spectrum takes an effective rank above the number of its values


def find_contradiction(row: Row) -> str:
    """Say which figure of a row cannot be, to continue a sentence after "but"; "" where all can."""
    kind = row.task.partition("/")[0]
    for name, metric in row.metrics.items():
        if not metric.low - _ROUNDING <= metric.value <= metric.high + _ROUNDING:
            return f"its {name} {metric.value:g} is not within its interval {metric.low:g} to {metric.high:g}"
        if kind in _DIMENSIONS:
            most = max((limits[name] for limits in row.scale.values() if name in limits), default=math.inf)
            if not 1 - _ROUNDING <= metric.value <= most * _ABOVE_ALL:
                return f"its {name} {metric.value:g} is not within 1 to {most:g}"
        least = 0.0 if kind in _SHARES else -1.0
        bounded = kind in _SHARES or kind in _DIFFERENCES
        if bounded and (metric.value > 1 + _ROUNDING or (metric.value < least - _ROUNDING and not _is_open(name))):
            return f"its {name} {metric.value:g} is not within {least:g} to 1"
        if name in row.items and row.items[name].count != metric.n:
            return f"its {name} is over {metric.n:,} items, of which {row.items[name].count:,} are stored"
        if name in row.items and not _is_open(name):
            try:
                mean = float(row.items[name].values().mean())
            except ValueError as error:
                return f"the items of its {name} are damaged ({error})"
            if abs(mean - metric.value) > _PACKING * max(1.0, abs(mean)):
                return f"its {name} {metric.value:g} is not the mean of its items, {mean:g}"
    return ""


def _is_open(metric: str) -> bool:
    return metric.endswith(_EQUIVARIANCE)
