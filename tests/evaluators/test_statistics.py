"""Intervals."""

import numpy as np
from scipy.stats import norm

from loocbench.evaluators import statistics


def test_a_share_has_wilsons_interval():
    right = np.arange(50) < 40
    z, p, n = norm.ppf(0.975), 0.8, 50
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    metric = statistics.share(right)
    np.testing.assert_allclose(
        [metric.value, metric.low, metric.high, metric.n], [0.8, center - half, center + half, 50]
    )


def test_all_right_is_not_certainty():
    metric = statistics.share(np.ones(20, dtype=bool))
    assert metric.value == metric.high == 1.0
    assert metric.low < 0.9


def test_the_bootstrap_of_a_mean_agrees_with_the_normal_interval_and_is_seeded():
    values = np.random.default_rng(0).normal(size=2000)
    metric = statistics.mean(values, seed=1)
    half = 1.96 * values.std(ddof=1) / 2000**0.5
    np.testing.assert_allclose([metric.low, metric.high], [values.mean() - half, values.mean() + half], atol=0.006)
    assert metric == statistics.mean(values, seed=1)
    assert metric != statistics.mean(values, seed=2)
