"""Figures that come out of a quantile, a root or a matrix product, and must not depend on the processor."""

import math

import pytest

from loocbench.report.table.cells import Cell, round_figure


@pytest.mark.parametrize("value", [0.1025, 0.10250000000000001, math.nextafter(0.1025, 0)])
def test_neighbouring_floats_are_one_figure(value):
    assert repr(round_figure(value)) == "0.1025"


def test_a_difference_that_is_rounding_is_zero_without_a_sign():
    assert repr(round_figure(0.3 - 0.1 - 0.2)) == "0.0"


def test_half_of_an_interval_is_zero_where_none_is_known():
    assert Cell(0.5).half_width == 0
    assert Cell(0.5, 0.25, 0.75).half_width == 0.25
