"""Paired significance tests of two models on the same items, and Holm's correction for many tests.

The exact McNemar test takes one right or wrong answer per item from each of two models. The bootstrap takes any values,
also of several pretraining seeds: items and seeds are both samples, so the uncertainty of both counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr  # importing scipy.stats would take longer than building the table

RESAMPLES = 10_000
CONFIDENCE = 0.95
FEW_ITEMS = 50  # below, Student's t stands in for resampled items
_SMALLEST_P = 2 / (RESAMPLES + 1)  # the smallest p-value that counting resamples gives
_ROUNDING = 1e-12  # an interval narrower than this, or a difference smaller than this, is rounding
_FEW_DISTINCT = 512  # up to so many distinct items, their counts are drawn instead of items: the same, and faster
_MAX_INDICES = 4_000_000  # drawn at once, to bound memory

Array = npt.NDArray[np.float64]


class McNemar(NamedTuple):
    """only_first, only_second: number of items that only one model got right. p: two-sided."""

    only_first: int
    only_second: int
    p: float


class Difference(NamedTuple):
    """A mean difference with its 95 % interval, and the two-sided p-value of the hypothesis that it is 0."""

    value: float
    low: float
    high: float
    p: float


def mcnemar_test(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> McNemar:
    """Exact McNemar test (McNemar 1947, binomial distribution).

    first, second: bool [N], whether each model answered item n correctly. Raises ValueError for different lengths.
    """
    _check_same_length(first, second)
    one, other = int((first & ~second).sum()), int((second & ~first).sum())
    p = min(1.0, 2 * float(bdtr(min(one, other), one + other, 0.5)))  # the two tails are alike
    return McNemar(one, other, p)


def bootstrap_difference(
    first: Sequence[Array], second: Sequence[Array], *, by_seed: bool, same_items: bool = True, seed: int = 0
) -> Difference:
    """Percentile bootstrap of mean(first) - mean(second), paired by item.

    Args:
        first, second: float [N] per pretraining seed.
        by_seed: both models were pretrained with the same seeds, in the same order, and are paired by them too;
            otherwise the seeds of each model are drawn independently.
        same_items: all seeds were measured on the same items, which are then resampled jointly.
        seed: of the resampling.

    Items: below ``FEW_ITEMS`` the percentile interval is too narrow (with 10 items, 8 of 100 tests find a difference
    where there is none), so means are drawn from Student's t instead of resampled.

    Seeds: a bootstrap over two or three seeds would be worse still, so with S > 1 seeds the error of their mean is
    drawn from Student's t with S - 1 degrees of freedom and added (for two unpaired models: the Behrens-Fisher
    solution). A single seed beside several is assumed to vary as those do.

    The p-value is twice the smaller share of resamples at or beyond 0; if there are none, see :func:`_student_tail`.
    Raises ValueError for a single item, or for items of different number that should be paired.
    """
    if by_seed:
        for one, other in zip(first, second, strict=True):
            _check_same_length(one, other)
    generator = np.random.default_rng(seed)
    groups = [[one - other for one, other in zip(first, second, strict=True)]] if by_seed else [first, second]
    signs = (1, -1)
    parts = [np.asarray(part, float) for group in groups for part in group]
    if min(map(len, parts)) < 2:
        raise ValueError("a single item says nothing of its spread")
    weights = [sign / len(group) for group, sign in zip(groups, signs, strict=False) for _ in group]
    means = _resample_means(parts, same_items, generator)
    value = float(np.dot(weights, [part.mean() for part in parts]))
    sides = np.split(means, [len(groups[0])]) if len(groups) > 1 else [means]
    beside_one = min(map(len, sides)) == 1
    errors = sorted(filter(None, (_error_over_seeds(side, beside_one=beside_one) for side in sides)), reverse=True)
    of_seeds = [error * generator.standard_t(freedom, size=RESAMPLES) for error, freedom in errors]
    resampled = np.sum([np.dot(weights, means), *of_seeds], axis=0)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    p = _two_sided_p(resampled)
    if abs(value) > _ROUNDING and high - low < _ROUNDING:
        p = 2.0 ** (1 - min(map(len, parts)))  # the sign test of N equal differences
    elif p <= _SMALLEST_P:
        p = min(p, _student_tail(value, parts, weights, same_items, errors))
    return Difference(value, float(low), float(high), p)


def holm_correction(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values, which control the family-wise error rate."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _resample_means(parts: Sequence[Array], same_items: bool, generator: np.random.Generator) -> Array:
    """Means of resampled items (of few items: drawn from Student's t), float64 [len(parts), RESAMPLES]."""
    if not same_items:
        return np.concatenate([_resample_means([part], True, generator) for part in parts])
    values = np.stack(parts)
    count = values.shape[1]
    if count < FEW_ITEMS:
        own = values.mean(axis=1, keepdims=True)
        normal = generator.standard_normal((count, RESAMPLES))
        return own + (values - own) @ normal / np.sqrt(count * generator.chisquare(count - 1, size=RESAMPLES))
    kinds, occurrences = np.unique(values, axis=1, return_counts=True)
    if kinds.shape[1] <= _FEW_DISTINCT:
        drawn = generator.multinomial(count, occurrences / count, size=RESAMPLES)
        return kinds @ drawn.T / count
    step = max(1, _MAX_INDICES // count)
    sizes = [min(step, RESAMPLES - begin) for begin in range(0, RESAMPLES, step)]
    means = []
    for size in sizes:
        places = generator.integers(count, size=(size, count), dtype=np.int32)
        means.append(np.stack([part[places].mean(axis=1) for part in values]))
    return np.concatenate(means, axis=1)


def _error_over_seeds(means: Array, *, beside_one: bool) -> tuple[float, int] | None:
    """Standard error of the mean over S seeds, and its degrees of freedom; None for one seed or no variation.

    means: [S, RESAMPLES]. beside_one: the other side has a single seed, whose error, assumed as large, is added.
    """
    seeds = len(means)
    if seeds == 1:
        return None
    error = float(means.mean(axis=1).std(ddof=1)) * (1 / seeds + beside_one) ** 0.5
    return (error, seeds - 1) if error else None


def _two_sided_p(resampled: Array) -> float:
    """Twice the smaller share of resamples at or beyond 0, with one added to both counts; rounding counts as 0."""
    smaller = min(int((resampled <= _ROUNDING).sum()), int((resampled >= -_ROUNDING).sum()))
    return min(1.0, 2 * (smaller + 1) / (RESAMPLES + 1))


def _student_tail(
    value: float,
    parts: Sequence[Array],
    weights: Sequence[float],
    same_items: bool,
    errors: Sequence[tuple[float, int]],
) -> float:
    """Student's p-value, for a difference whose sign no resample reverses, where counting gives only an upper bound.

    The errors of items and of seeds are combined; the degrees of freedom are the fewest among them (the heaviest tail).
    """
    from scipy.special import stdtr

    if same_items:
        together = np.dot(weights, np.stack(parts))
        items = [(float(together.std(ddof=1)) / len(together) ** 0.5, len(together) - 1)]
    else:
        items = [
            (abs(weight) * float(part.std(ddof=1)) / len(part) ** 0.5, len(part) - 1)
            for weight, part in zip(weights, parts, strict=True)
        ]
    every = [*items, *errors]
    total = sum(error**2 for error, _ in every) ** 0.5
    freedom = min(freedom for _, freedom in every)
    return 2 * float(stdtr(freedom, -abs(value) / total))


def _check_same_length(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> None:
    if first.shape != second.shape:
        raise ValueError(f"not the same items: {len(first)} and {len(second)}")
