"""Styles that can be told apart in greyscale and by colour-blind people: colour, marker, line and hatch all differ."""

from __future__ import annotations

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
