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


def wilson_share(right: npt.NDArray[np.bool_]) -> Metric:
    """A share of N independent items, with Wilson's interval, which stays honest at 0 and 1 (a bootstrap does not)."""
    count, n = int(right.sum()), len(right)
    interval = binomtest(count, n).proportion_ci(CONFIDENCE, method="wilson")
    return Metric(value=count / n, low=float(interval.low), high=float(interval.high), n=n)


def bootstrap_mean(values: Array, *, seed: int) -> Metric:
    """A mean of N independent values, with the percentile bootstrap's interval. ``seed`` draws the resamples.

    For several correlated measurements an item (the four turns of an image), pass each item's mean.
    """
    generator = np.random.default_rng(seed)
    means = np.array([values[generator.integers(len(values), size=len(values))].mean() for _ in range(RESAMPLES)])
    return _bootstrapped(float(values.mean()), means, len(values))


def mean_per_class(right: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64], *, seed: int) -> Metric:
    """The mean over classes, of those that have an image, of each one's share of right ones: balanced accuracy.

    right, labels: [N], a value an image. The interval is the percentile bootstrap's over images, resampled within their
    classes, whose sizes are the data set's design: n - 1 of a class's n, with which the variance is unbiased (Rao and
    Wu 1988). Of a share p right, such a resample holds Binomial(n - 1, p) right ones, so none has to be made. Classes
    of a single image say nothing of their own spread: these images are resampled among themselves.
    """
    _, places = np.unique(labels, return_inverse=True)
    sizes = np.bincount(places)
    shares = np.bincount(places, weights=right) / sizes
    generator = np.random.default_rng(seed)
    single = sizes == 1
    draws = sizes[~single] - 1
    total = (generator.binomial(draws, shares[~single], size=(RESAMPLES, len(draws))) / draws).sum(axis=1)
    if count := int(single.sum()):
        drawn = max(count - 1, 1)
        total += count * generator.binomial(drawn, shares[single].mean(), size=RESAMPLES) / drawn
    return _bootstrapped(float(shares.mean()), total / len(sizes), len(labels))


def r_squared(predicted: Array, wanted: Array, *, seed: int) -> Metric:
    """The share of the variance of ``wanted`` [N] that ``predicted`` [N] explains: 1 is exact, 0 no better than the
    mean, below 0 worse. With the percentile bootstrap's interval over items.

    Raises ValueError where all wanted values are the same, for which it is not defined.
    """
    if np.ptp(wanted) == 0:
        raise ValueError("R^2 is not defined where all wanted values are the same")
    generator = np.random.default_rng(seed)
    resampled = []
    for _ in range(RESAMPLES):
        rows = generator.integers(len(wanted), size=len(wanted))
        if np.ptp(wanted[rows]):
            resampled.append(_explained(predicted[rows], wanted[rows]))
    return _bootstrapped(_explained(predicted, wanted), np.array(resampled), len(wanted))


def _bootstrapped(value: float, resampled: Array, n: int) -> Metric:
    """With the percentiles of its resampled values."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Metric(value=value, low=float(low), high=float(high), n=n)


def _explained(predicted: Array, wanted: Array) -> float:
    return float(1 - np.square(wanted - predicted).sum() / np.square(wanted - wanted.mean()).sum())


def trial_mean(values: Array) -> Metric:
    """A mean over independent trials, each an accuracy, with Student's interval; without spread for a single one."""
    n, center = len(values), float(values.mean())
    half = float(student.ppf((1 + CONFIDENCE) / 2, n - 1) * values.std(ddof=1) / n**0.5) if n > 1 else 0.0
    return Metric(value=center, low=max(0.0, center - half), high=min(1.0, center + half), n=n)
