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
    same items, which are resampled for all of them together. A bootstrap over two or three seeds would find differences
    where there are none, so of S > 1 seeds the mean's error is drawn from Student's t with S - 1 degrees of freedom
    (for two models apart this is the solution of Behrens and Fisher) and added to each resample of the items. The
    p-value is twice the smaller share of resamples at or beyond 0, one added to both counts. ``seed`` makes the draws.
    """
    if by_seed:
        for one, other in zip(first, second, strict=True):
            _same_length(one, other)
    generator = np.random.default_rng(seed)
    if by_seed:
        parts = [np.asarray(one, float) - other for one, other in zip(first, second, strict=True)]
        resampled = _over_seeds(_over_items(parts, same_items, generator), generator)
        value = float(np.mean([part.mean() for part in parts]))
    else:
        parts = [np.asarray(part, float) for part in (*first, *second)]
        means = _over_items(parts, same_items, generator)
        count = len(first)
        resampled = _over_seeds(means[:count], generator) - _over_seeds(means[count:], generator)
        own = [float(part.mean()) for part in parts]
        value = float(np.mean(own[:count]) - np.mean(own[count:]))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    smaller = min(int((resampled <= 0).sum()), int((resampled >= 0).sum()))
    return Difference(value, float(low), float(high), min(1.0, 2 * (smaller + 1) / (RESAMPLES + 1)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) adjusted p-values: below a level a they keep the chance of any false finding below a."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _over_items(parts: Sequence[Array], same_items: bool, generator: np.random.Generator) -> Array:
    """Means of resampled items: float64 [len(parts), RESAMPLES]."""
    if not same_items:
        return np.concatenate([_over_items([part], True, generator) for part in parts])
    values = np.stack(parts)
    count = values.shape[1]
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


def _over_seeds(means: Array, generator: np.random.Generator) -> Array:
    """Of means [S, RESAMPLES] their mean over seeds with the error that S seeds leave: float64 [RESAMPLES]."""
    seeds, resamples = means.shape
    if seeds == 1:
        return means[0]
    error = means.mean(axis=1).std(ddof=1) / seeds**0.5
    return means.mean(axis=0) + error * generator.standard_t(seeds - 1, size=resamples)


def _same_length(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> None:
    if first.shape != second.shape:
        raise ValueError(f"not the same items: {len(first)} and {len(second)}")
