"""Points of curves: intervals over images of one checkpoint, over seeds of several."""

import numpy as np
import pytest
from scipy.stats import t as student

from loocbench.evaluators import statistics
from loocbench.report.table import curve_points
from loocbench.types import Metric
from tests.report.rows import measured_row


def row(values, *, seed=0, n=40, y="kept"):
    metric = Metric(value=0.5, low=0.4, high=0.6, n=n)
    curve = [{"hue": angle, y: value} for angle, value in values.items()]
    return measured_row("A", 0.5, seed=seed, checkpoint_hash=f"{seed}" * 64, metrics={f"hue_{y}": metric}, curve=curve)


@pytest.mark.parametrize(("right", "n"), [(0, 9), (7, 40), (40, 40)])
def test_wilsons_interval_is_that_of_the_evaluators(right, n):
    found = statistics.wilson_share(np.arange(n) < right)
    assert curve_points.wilson_interval(right / n, n) == pytest.approx((found.low, found.high), abs=1e-9)


def test_one_checkpoint_has_the_interval_over_its_images():
    (first, second) = curve_points.average_curve([row({60.0: 0.75, 30.0: 0.5})], "hue", "kept")
    assert (first[0], second[0]) == (30.0, 60.0)
    assert second[1:] == (0.75, *curve_points.wilson_interval(0.75, 40))


def test_no_interval_is_made_up_for_a_cosine():
    (point, _) = curve_points.average_curve([row({30.0: 0.5, 60.0: 0.4}, y="invariance")], "hue", "invariance")
    assert point == (30.0, 0.5, 0.5, 0.5)


def test_several_checkpoints_have_students_interval():
    values = [0.4, 0.5, 0.9]
    rows = [row({30.0: value, 60.0: 0.5}, seed=seed) for seed, value in enumerate(values)]
    (first, _) = curve_points.average_curve(rows, "hue", "kept")
    low, high = student.interval(0.95, 2, np.mean(values), np.std(values, ddof=1) / 3**0.5)
    assert first == pytest.approx((30.0, 0.6, low, high))


def test_a_place_that_some_seeds_lack_is_no_point():
    """Its mean would be one over other seeds than its neighbours', and the line would jump."""
    rows = [row({30.0: 0.5, 60.0: 0.6, 90.0: 0.9}, seed=0), row({30.0: 0.5, 60.0: 0.6}, seed=1)]
    assert [place for place, *_ in curve_points.average_curve(rows, "hue", "kept")] == [30.0, 60.0]


@pytest.mark.parametrize("values", [[1 - 3e-13], [1 + 1e-12], [3e-13, 3e-13]])
def test_an_interval_holds_its_value_whatever_rounding_does_to_its_ends(values):
    """Three equal seeds have an interval of no width, which is rounded; a figure's error bar cannot be negative."""
    points = curve_points.average_curve(
        [row({30.0: v, 60.0: 0.5}, seed=seed, n=10**9) for seed, v in enumerate(values)], "hue", "kept"
    )
    for _, value, low, high in points:
        assert low <= value <= high
