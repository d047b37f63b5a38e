"""Intervals of measured values: 95 %, over items that are independent (images, not views of one image)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest
from scipy.stats import t as student

from loocbench.types import Metric

CONFIDENCE = 0.95
RESAMPLES = 2000

Array = npt.NDArray[np.float64]


def share(right: npt.NDArray[np.bool_]) -> Metric:
    """A share of N independent items, with Wilson's interval, which stays honest at 0 and 1 (a bootstrap does not)."""
    count, n = int(right.sum()), len(right)
    interval = binomtest(count, n).proportion_ci(CONFIDENCE, method="wilson")
    return Metric(value=count / n, low=float(interval.low), high=float(interval.high), n=n)


def mean(values: Array, *, seed: int) -> Metric:
    """A mean of N independent values, with the percentile bootstrap's interval. ``seed`` draws the resamples.

    For several correlated measurements an item (the four turns of an image), pass each item's mean.
    """
    generator = np.random.default_rng(seed)
    means = np.array([values[generator.integers(len(values), size=len(values))].mean() for _ in range(RESAMPLES)])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Metric(value=float(values.mean()), low=float(low), high=float(high), n=len(values))


def trials(values: Array) -> Metric:
    """A mean over independent trials, each an accuracy, with Student's interval; without spread for a single one."""
    n, center = len(values), float(values.mean())
    half = float(student.ppf((1 + CONFIDENCE) / 2, n - 1) * values.std(ddof=1) / n**0.5) if n > 1 else 0.0
    return Metric(value=center, low=max(0.0, center - half), high=min(1.0, center + half), n=n)
