"""Paired tests: whether two models differ on the same items by more than chance, and Holm's correction for many tests.

The exact McNemar test is for one right or wrong answer an item from each of two models. The bootstrap is for any
values, and for several pretraining seeds: both items and seeds were drawn, so the uncertainty of both counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

RESAMPLES = 10_000
CONFIDENCE = 0.95
FEW_ITEMS = 50  # below, Student's t stands in for resampled items
_LEAST = 2 / (RESAMPLES + 1)  # the smallest p-value that counting resamples gives
_NOTHING = 1e-12  # a width that is rounding
_FEW = 512  # different items; fewer are drawn by how often each occurs, which is the same and faster
_AT_ONCE = 4_000_000  # drawn places in memory

Array = npt.NDArray[np.float64]


class McNemar(NamedTuple):
    """only_first, only_second: items that one model alone got right. p: two-sided."""

    only_first: int
    only_second: int
    p: float


class Difference(NamedTuple):
    """The mean difference with its 95 % interval, and the two-sided p-value of there being none."""

    value: float
    low: float
    high: float
    p: float


def mcnemar(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> McNemar:
    """The exact test (McNemar 1947, by the binomial distribution) on right answers bool [N] to the same items."""
    from scipy.stats import binomtest  # slow to import, and most reports test nothing

    _same_length(first, second)
    one, other = int((first & ~second).sum()), int((second & ~first).sum())
    p = float(binomtest(one, one + other, 0.5).pvalue) if one + other else 1.0
    return McNemar(one, other, p)


def bootstrap(
    first: Sequence[Array], second: Sequence[Array], *, by_seed: bool, same_items: bool = True, seed: int = 0
) -> Difference:
    """Percentile bootstrap of mean(first) - mean(second), paired by item.

    first, second: [N] for each pretraining seed. by_seed: the two were pretrained from the same seeds, in the same
    order, and are paired by them too; else each model's seeds are drawn on their own. same_items: all seeds saw the
    same items, which are resampled for all of them together. Below ``FEW_ITEMS`` the percentiles of resampled items
    are too narrow (of 10 items they find 8 in 100 differences where there are none), so the means are drawn from
    Student's t. A bootstrap over two or three seeds would do worse, so of S > 1 seeds the mean's error is drawn from
    Student's t with S - 1 degrees of freedom (for two models apart this is the solution of Behrens and Fisher) and
    added; a single seed beside several is taken to vary as those do. The p-value is twice the smaller share at or
    beyond 0; where no resample is, see :func:`_tail`. ``seed`` makes the draws. Raises ValueError for a single item.
    """
    if by_seed:
        for one, other in zip(first, second, strict=True):
            _same_length(one, other)
    generator = np.random.default_rng(seed)
    groups = [[one - other for one, other in zip(first, second, strict=True)]] if by_seed else [first, second]
    signs = (1, -1)
    parts = [np.asarray(part, float) for group in groups for part in group]
    if min(map(len, parts)) < 2:
        raise ValueError("a single item says nothing of its spread")
    weights = [sign / len(group) for group, sign in zip(groups, signs, strict=False) for _ in group]
    means = _over_items(parts, same_items, generator)
    value = float(np.dot(weights, [part.mean() for part in parts]))
    sides = np.split(means, [len(groups[0])]) if len(groups) > 1 else [means]
    beside_one = min(map(len, sides)) == 1
    errors = sorted(filter(None, (_error_over_seeds(side, beside_one=beside_one) for side in sides)), reverse=True)
    of_seeds = [error * generator.standard_t(freedom, size=RESAMPLES) for error, freedom in errors]
    resampled = np.sum([np.dot(weights, means), *of_seeds], axis=0)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    p = _two_sided(resampled)
    if value and high - low < _NOTHING:
        p = 2.0 ** (1 - min(map(len, parts)))  # all that the signs of N equal differences can say
    elif p <= _LEAST:
        p = min(p, _tail(value, parts, weights, same_items, errors))
    return Difference(value, float(low), float(high), p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values: below a level a they keep the chance of any false finding below a."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _over_items(parts: Sequence[Array], same_items: bool, generator: np.random.Generator) -> Array:
    """Means of resampled items, or of few items drawn from Student's t: float64 [len(parts), RESAMPLES]."""
    if not same_items:
        return np.concatenate([_over_items([part], True, generator) for part in parts])
    values = np.stack(parts)
    count = values.shape[1]
    if count < FEW_ITEMS:
        own = values.mean(axis=1, keepdims=True)
        normal = generator.standard_normal((count, RESAMPLES))
        return own + (values - own) @ normal / np.sqrt(count * generator.chisquare(count - 1, size=RESAMPLES))
    kinds, occurrences = np.unique(values, axis=1, return_counts=True)
    if kinds.shape[1] <= _FEW:
        drawn = generator.multinomial(count, occurrences / count, size=RESAMPLES)
        return kinds @ drawn.T / count
    step = max(1, _AT_ONCE // count)
    sizes = [min(step, RESAMPLES - begin) for begin in range(0, RESAMPLES, step)]
    means = []
    for size in sizes:
        places = generator.integers(count, size=(size, count), dtype=np.int32)
        means.append(np.stack([part[places].mean(axis=1) for part in values]))
    return np.concatenate(means, axis=1)


def _error_over_seeds(means: Array, *, beside_one: bool) -> tuple[float, int] | None:
    """Of means [S, RESAMPLES] the error that S seeds leave in their mean, and its degrees of freedom.

    beside_one: and in a single seed of the other side, if that varies as these do.
    """
    seeds = len(means)
    if seeds == 1:
        return None
    error = float(means.mean(axis=1).std(ddof=1)) * (1 / seeds + beside_one) ** 0.5
    return (error, seeds - 1) if error else None


def _two_sided(resampled: Array) -> float:
    """Twice the smaller share at or beyond 0, one added to both counts."""
    smaller = min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    return min(1.0, 2 * (smaller + 1) / (RESAMPLES + 1))


def _tail(
    value: float,
    parts: Sequence[Array],
    weights: Sequence[float],
    same_items: bool,
    errors: Sequence[tuple[float, int]],
) -> float:
    """The p-value of a difference that no resample turns round, of which counting says only that it is small.

    Student's, of the errors of items and of seeds together, with the fewest degrees of freedom among them, for the
    heaviest tail reaches furthest."""
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


def _same_length(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> None:
    if first.shape != second.shape:
        raise ValueError(f"not the same items: {len(first)} and {len(second)}")
