"""Plot styles distinguishable in greyscale and by colour-blind people: colour, marker, line style and hatch differ.

The first 14 lines have 14 marks: seven shapes, filled and open. A colour's second line has another shape, too.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, ordered so that neighbours differ in lightness too.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1.5, 1, 1.5, 1, 1.5)))
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "|||", "---", "ooo", "+++", "***")


def line_style(number: int) -> dict[str, Any]:
    """Matplotlib keywords of the ``number``-th line of a plot."""
    color, turn = COLORS[number % len(COLORS)], number // len(COLORS)
    return {
        "color": color,
        "marker": MARKERS[(number + 3 * turn) % len(MARKERS)],
        "markerfacecolor": "white" if turn % 2 else color,
        "linestyle": LINES[number % len(LINES)],
        "markersize": 5,
        "clip_on": False,
    }


def bar_style(number: int) -> dict[str, Any]:
    """Matplotlib keywords of the ``number``-th bar of a group."""
    return {
        "color": COLORS[number % len(COLORS)],
        "hatch": HATCHES[number % len(HATCHES)],
        "edgecolor": "black",
        "linewidth": 0.6,
    }


def fold_title(title: str, width: float) -> str:
    """A title of 9 points broken into lines that fit ``width`` inches, since a longer one would squeeze the axes."""
    return "\n".join(textwrap.wrap(title, max(20, int(13 * width)), break_on_hyphens=False))


def legend_columns(names: Collection[str], width: float) -> int:
    """Number of columns of a 7-point legend that fit ``width`` inches."""
    widest = 0.6 + 0.06 * max(map(len, names), default=0)  # the line beside the name, and its letters
    return max(1, min(len(names), int(width / widest)))


def add_legend(figure: Figure, columns: int) -> None:
    """Put one legend for all axes below the figure, each label once."""
    handles = {
        label: handle for axis in figure.axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", fontsize=7, ncols=columns)
