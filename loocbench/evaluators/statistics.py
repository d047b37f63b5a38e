"""95 % confidence intervals of measured values, over independent items (images, not views of one image)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit  # importing scipy.stats takes 1.5 seconds, of every command

from loocbench.types import Metric

CONFIDENCE = 0.95
RESAMPLES = 2000
_TOGETHER = 2**14  # values drawn at once: they stay in a processor's cache

Array = npt.NDArray[np.float64]


def wilson_share(right: npt.NDArray[np.bool_]) -> Metric:
    """Return the share of True among N independent items, with Wilson's interval, which stays valid at 0 and 1."""
    n = len(right)
    share = int(right.sum()) / n
    low, high = wilson_interval(share, n)
    return Metric(value=share, low=low, high=high, n=n)


def bootstrap_mean(values: Array, *, seed: int) -> Metric:
    """Return the mean of N independent values, with the interval of a percentile bootstrap seeded by ``seed``.

    For several correlated measurements per item (the four rotations of an image), pass each item's mean.
    """
    generator = np.random.default_rng(seed)
    n = len(values)
    step = max(1, _TOGETHER // n)  # of resamples drawn at once, which are those that one after another would be
    means = [
        values.take(generator.integers(n, size=(min(step, RESAMPLES - first), n))).mean(axis=1)
        for first in range(0, RESAMPLES, step)
    ]
    return _bootstrapped(float(values.mean()), np.concatenate(means), n)


def mean_per_class(right: npt.NDArray[np.bool_], labels: npt.NDArray[np.int64], *, seed: int) -> Metric:
    """Return balanced accuracy: the mean over classes that have an image of each class's accuracy.

    right, labels: [N], one value per image. The interval is a percentile bootstrap's over images, resampled within
    classes, since class sizes are fixed by the data set: n - 1 of a class's n images, which makes the variance unbiased
    (Rao and Wu 1988). With accuracy p, such a resample holds Binomial(n - 1, p) correct images, so no rows are drawn.
    The images of classes of size 1, which have no spread of their own, are resampled among themselves.
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
    """Return R², the share of the variance of ``wanted`` [N] explained by ``predicted`` [N].

    1 is exact, 0 no better than the mean, below 0 worse. The interval is a percentile bootstrap's over items, seeded by
    ``seed``. Raises ValueError if all wanted values are the same, where R² is not defined.
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
    """Return a value with the percentiles of its resampled values."""
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Metric(value=value, low=float(low), high=float(high), n=n)


def _explained(predicted: Array, wanted: Array) -> float:
    return float(1 - np.square(wanted - predicted).sum() / np.square(wanted - wanted.mean()).sum())


def trial_mean(values: Array, *, images: int) -> Metric:
    """Return the mean accuracy of independent trials with Student's interval.

    Trials that are all equal, or a single one, have no spread to estimate an interval from: a width of zero would claim
    certainty. There it is Wilson's for a share of the ``images`` that the trials are judged on (Wilson 1927; Brown, Cai
    and DasGupta 2001), whatever the number of trials, since all answer about the same images.
    """
    n, center = len(values), float(values.mean())
    if n == 1 or np.ptp(values) == 0:
        low, high = wilson_interval(center, images)
    else:
        half = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2) * values.std(ddof=1) / n**0.5)
        low, high = max(0.0, center - half), min(1.0, center + half)
    return Metric(value=center, low=low, high=high, n=n)


def wilson_interval(share: float, n: int) -> tuple[float, float]:
    """Return Wilson's interval of a share of ``n`` items, which need not be a whole number of them."""
    z = float(ndtri((1 + CONFIDENCE) / 2))
    center = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * (share * (1 - share) / n + (z / (2 * n)) ** 2) ** 0.5
    return max(0.0, min(share, center - reach)), min(1.0, max(share, center + reach))
