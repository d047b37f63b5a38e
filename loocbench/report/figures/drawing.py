"""Styles that can be told apart in greyscale and by colour-blind people: colour, marker, line and hatch all differ."""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from typing import Any

# Okabe and Ito's colours, ordered so that neighbours differ in lightness too.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
LINES = ("-", "--", "-.", ":")
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "|||", "---", "ooo", "+++", "***")


def line(number: int) -> dict[str, Any]:
    """How the ``number``-th line of a plot is drawn."""
    return {
        "color": COLORS[number % len(COLORS)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": LINES[number % len(LINES)],
        "markersize": 4,
    }


def bar(number: int) -> dict[str, Any]:
    """How the ``number``-th bar of a group is drawn."""
    return {
        "color": COLORS[number % len(COLORS)],
        "hatch": HATCHES[number % len(HATCHES)],
        "edgecolor": "black",
        "linewidth": 0.6,
    }


def folded(title: str, width: float) -> str:
    """A title of 9 points in lines that fit ``width`` inches; one that does not fit squeezes what it stands above."""
    return "\n".join(textwrap.wrap(title, max(20, int(13 * width))))


def legend_columns(names: Collection[str], width: float) -> int:
    """How many columns of a legend of 7 points fit ``width`` inches."""
    widest = 0.6 + 0.06 * max(map(len, names), default=0)  # the line beside the name, and its letters
    return max(1, min(len(names), int(width / widest)))
