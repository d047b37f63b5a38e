"""Styles that differ without colour."""

import itertools

import matplotlib as mpl
import numpy as np

from loocbench.report.figures import styles
from loocbench.report.table import panels


def test_no_two_lines_or_bars_look_alike_without_colour():
    lines = [styles.line_style(number) for number in range(20)]
    marks = {(one["marker"], one["markerfacecolor"] == "white") for one in lines[: panels.MAX_SERIES]}
    assert len(marks) == panels.MAX_SERIES  # a mark of its own for every line that is drawn
    assert len({(one["marker"], one["markerfacecolor"], str(one["linestyle"])) for one in lines}) == 20
    assert len({(one["color"], str(one["linestyle"])) for one in lines}) == 20
    assert len({styles.bar_style(number)["hatch"] for number in range(10)}) == 10
    greys = [np.dot(mpl.colors.to_rgb(color), (0.299, 0.587, 0.114)) for color in styles.COLORS]
    assert all(abs(one - other) > 0.1 for one, other in itertools.pairwise(greys))
