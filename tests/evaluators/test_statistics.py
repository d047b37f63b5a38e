"""Confidence intervals, against naive loops and known values."""

import time

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from sklearn.metrics import balanced_accuracy_score, r2_score

from loocbench.evaluators import statistics


def test_a_share_has_wilsons_interval():
    right = np.arange(50) < 40
    z, p, n = norm.ppf(0.975), 0.8, 50
    center = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    metric = statistics.wilson_share(right)
    np.testing.assert_allclose(
        [metric.value, metric.low, metric.high, metric.n], [0.8, center - half, center + half, 50]
    )


@pytest.mark.parametrize("right", [0, 1, 20, 50])
def test_wilsons_interval_of_a_share_is_scipys(right):
    wanted = binomtest(right, 50).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(statistics.wilson_interval(right / 50, 50), (wanted.low, wanted.high), atol=1e-12)


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5], [1.0, 1.0], [0.0, 0.0]])
def test_trials_without_spread_have_the_interval_over_the_images(values):
    metric = statistics.trial_mean(np.array(values), images=40)
    assert (metric.low, metric.high) == statistics.wilson_interval(values[0], 40)
    assert metric.low <= metric.value <= metric.high
    assert metric.high - metric.low > 0.05
    assert metric.n == len(values)


def test_all_right_is_not_certainty():
    metric = statistics.wilson_share(np.ones(20, dtype=bool))
    assert metric.value == metric.high == 1.0
    assert metric.low < 0.9


def test_the_bootstrap_of_a_mean_agrees_with_the_normal_interval_and_is_seeded():
    values = np.random.default_rng(0).normal(size=2000)
    metric = statistics.bootstrap_mean(values, seed=1)
    half = 1.96 * values.std(ddof=1) / 2000**0.5
    np.testing.assert_allclose([metric.low, metric.high], [values.mean() - half, values.mean() + half], atol=0.006)
    assert metric == statistics.bootstrap_mean(values, seed=1)
    assert metric != statistics.bootstrap_mean(values, seed=2)


@pytest.mark.parametrize("count", [1, 7, 3000, 20_001])  # many resamples at once, and one
def test_resamples_drawn_together_are_those_drawn_one_after_another(count):
    values = np.random.default_rng(0).normal(size=count)
    generator = np.random.default_rng(5)
    means = [values[generator.integers(count, size=count)].mean() for _ in range(statistics.RESAMPLES)]
    metric = statistics.bootstrap_mean(values, seed=5)
    assert (metric.low, metric.high) == pytest.approx(np.quantile(means, [0.025, 0.975]), rel=1e-9)


def predictions(count, classes, seed=0):
    """Labels with gaps, classes of uneven sizes, and predictions that are right more often in the later classes."""
    generator = np.random.default_rng(seed)
    labels = 3 * np.sort(generator.integers(classes, size=count) * generator.integers(2, size=count))
    wrong = generator.random(count) > 0.3 + 0.5 * labels / labels.max()
    return np.where(wrong, labels + 1, labels), labels


def test_the_mean_over_classes_is_balanced_accuracy():
    predicted, labels = predictions(500, 7)
    metric = statistics.mean_per_class(predicted == labels, labels, seed=0)
    assert metric.value == pytest.approx(
        balanced_accuracy_score(labels, np.where(predicted == labels, labels, (labels + 3) % (labels.max() + 3)))
    )
    assert metric.value != pytest.approx((predicted == labels).mean(), abs=0.01)
    assert metric.n == 500


def test_its_interval_is_that_of_images_drawn_anew_within_their_classes():
    predicted, labels = predictions(400, 5)
    right = predicted == labels
    generator = np.random.default_rng(1)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    drawn = [
        np.mean([right[generator.choice(rows, size=len(rows) - 1)].mean() for rows in members]) for _ in range(4000)
    ]
    metric = statistics.mean_per_class(right, labels, seed=0)
    np.testing.assert_allclose([metric.low, metric.high], np.quantile(drawn, [0.025, 0.975]), atol=0.006)
    assert metric.low < metric.value < metric.high
    assert metric == statistics.mean_per_class(right, labels, seed=0)
    assert metric != statistics.mean_per_class(right, labels, seed=1)


@pytest.mark.parametrize("images", [[30] * 10, [1] * 40, [2] * 40, [3] * 40, [1] * 20 + [5] * 20], ids=str)
def test_its_interval_covers_the_truth_about_as_often_as_it_says(images):
    """However few images a class has."""
    truth, generator = np.linspace(0.2, 0.9, len(images)), np.random.default_rng(2)
    labels = np.repeat(np.arange(len(images)), images)
    metrics = [
        statistics.mean_per_class(generator.random(len(labels)) < truth[labels], labels, seed=seed)
        for seed in range(300)
    ]
    covered = np.mean([metric.low <= truth.mean() <= metric.high for metric in metrics])
    assert 0.91 < covered < 0.985


def test_the_interval_of_flowers_test_split_takes_a_moment():
    predicted, labels = predictions(6149, 102)
    begin = time.process_time()
    statistics.mean_per_class(predicted == labels, labels, seed=0)
    assert time.process_time() - begin < 1


def test_r_squared():
    generator = np.random.default_rng(0)
    wanted = generator.normal(size=100)
    for predicted in (wanted, wanted + generator.normal(size=100), np.full(100, wanted.mean()), -wanted):
        found = statistics.r_squared(predicted, wanted, seed=0)
        assert found.value == pytest.approx(r2_score(wanted, predicted))
        assert found.low <= found.value + 1e-9
    with pytest.raises(ValueError, match="the same"):
        statistics.r_squared(wanted, np.ones(100), seed=0)


def test_the_interval_of_r_squared_covers():
    """Nine in ten of repeated experiments at least hold the true value, 1/2, in a 95 % interval."""
    hits = 0
    for trial in range(40):
        generator = np.random.default_rng(trial)
        predicted = generator.normal(size=200)
        found = statistics.r_squared(predicted, predicted + generator.normal(size=200), seed=trial)
        hits += found.low <= 0.5 <= found.high
    assert hits >= 34
