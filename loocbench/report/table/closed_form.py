"""P-values of mean differences without resampling: for tables, where every figure is tested against the best.

They are those to which :func:`loocbench.report.table.significance.bootstrap_difference` converges: the errors of items
and of seeds are independent, those of seeds (and of few items) Student's (the Behrens-Fisher solution).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, stdtr, stdtrit  # importing scipy.stats would take longer than building the table

from loocbench.report.table.significance import FEW_ITEMS, Array

_ROUNDING = 1e-12  # a difference or an error smaller than this is rounding
_LOGIT_STEP, _LARGEST_LOGIT = 0.2, 20.0  # of the quantiles over which Student's distribution is summed
Error = tuple[float, float]  # a standard error and its degrees of freedom, infinite for a normal one


def difference_p_value(first: Sequence[Array], second: Sequence[Array], *, by_seed: bool, same_items: bool) -> float:
    """Two-sided p-value of the hypothesis that mean(first) - mean(second) is 0, paired by item.

    Args:
        first, second: float64 [N] per pretraining seed, N >= 2.
        by_seed: the seeds of both sides are pairs, in this order; otherwise each side's vary by themselves.
        same_items: all seeds were measured on the same items.

    A single seed beside several is assumed to vary as those do.
    """
    means = [[float(part.mean()) for part in side] for side in (first, second)]
    value = float(np.mean(means[0]) - np.mean(means[1]))
    if same_items:
        independent = [_mean_over_seeds(first) - _mean_over_seeds(second)]
    elif by_seed:
        independent = [(one - other) / len(first) for one, other in zip(first, second, strict=True)]
    else:
        independent = [part / len(side) for side in (first, second) for part in side]
    if by_seed:
        means = [[one - other for one, other in zip(*means, strict=True)]]
    equal_differences = 2.0 ** (1 - min(map(len, independent)))  # the sign test of N equal differences
    errors = [_item_error(independent), *_seed_errors(means)]
    return _two_sided_p(value, errors, without_error=equal_differences)


def seeds_p_value(first: Sequence[float], second: Sequence[float]) -> float:
    """The p-value of two models' difference by their means alone, one per pretraining seed; one side has several.

    A single seed beside several is assumed to vary as those do.
    """
    value = float(np.mean(first) - np.mean(second))
    freedom = max(len(first), len(second)) - 1
    return _two_sided_p(value, _seed_errors([first, second]), without_error=2.0**-freedom)


def _mean_over_seeds(side: Sequence[Array]) -> Array:
    """Each item's mean over seeds."""
    total = side[0].astype(float)
    for part in side[1:]:
        total += part
    return total / len(side)


def _item_error(independent: Sequence[Array]) -> Error:
    """The error of the sum of independent means over items; Student's if there are few items."""
    fewest = min(map(len, independent))
    error = sum(float(part.var(ddof=1)) / len(part) for part in independent) ** 0.5
    return error, fewest - 1 if fewest < FEW_ITEMS else math.inf


def _seed_errors(sides: Sequence[Sequence[float]]) -> list[Error]:
    """The error of each side's mean over its S > 1 seeds; beside a single seed, also that of the single one."""
    single = min(map(len, sides)) == 1
    return [
        (float(np.std(side, ddof=1)) * (1 / len(side) + single) ** 0.5, len(side) - 1)
        for side in sides
        if len(side) > 1
    ]


def _two_sided_p(value: float, errors: Sequence[Error], *, without_error: float) -> float:
    """Twice the probability that the sum of independent errors is below -\\|value\\|.

    without_error: the p-value of a difference that has no error at all.
    """
    if abs(value) <= _ROUNDING:
        return 1.0
    known = sorted(one for one in errors if one[0] > _ROUNDING)
    if not known:
        return without_error
    *smaller, (largest, freedom) = known
    sums, weights = np.zeros(1), np.ones(1)
    for error, own_freedom in smaller:
        quantiles, own_weights = _quantiles(own_freedom)
        sums = (sums[:, None] + error * quantiles).ravel()
        weights = (weights[:, None] * own_weights).ravel()
    below = (-abs(value) - sums) / largest
    tail = ndtr(below) if freedom == math.inf else stdtr(freedom, below)
    return min(1.0, 2 * float(weights @ tail))


@functools.cache
def _quantiles(freedom: float) -> tuple[Array, Array]:
    """Quantiles of Student's distribution, dense in both tails, and their weights, which sum to 1."""
    logits = np.arange(-_LARGEST_LOGIT, _LARGEST_LOGIT + _LOGIT_STEP / 2, _LOGIT_STEP)
    shares = 1 / (1 + np.exp(-logits))
    weights = shares * (1 - shares)
    quantiles = stdtrit(1e9 if freedom == math.inf else freedom, shares)
    return quantiles, weights / weights.sum()
