"""Retrieval galleries: each row a query image and its nearest neighbours, matches framed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loocbench.report.figures import contact_sheet, saving
from loocbench.types import Pixels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL = 24  # characters per line of a row's label
_LETTERS = 22  # of a caption, per line
_SIDE, _GAP = 1.2, 0.15  # of an image, and beside it, in inches
_LINE, _BETWEEN = 0.115, 0.12  # of a line of a caption, and between rows
_TITLE, _LABEL_LINE = 0.5, 0.11
DPI = 160
PIXELS = round(_SIDE * DPI)  # of a picture's side
RIGHT, WRONG = "#0072B2", "#BBBBBB"  # told apart without colour too: a thick frame against a thin dashed one


@dataclass(frozen=True)
class GalleryRow:
    """A query and its k nearest neighbours.

    images: 1 + k squares uint8 [S, S, 3] of any size, the query first. right: bool [k], whether a neighbour matches.
    captions: 1 + k texts. label: the model, if several are compared. with_query: whether to show the query in this row.
    """

    images: Sequence[Pixels]
    right: npt.NDArray[np.bool_]
    captions: Sequence[str]
    label: str = ""
    with_query: bool = True


def draw_gallery(rows: Sequence[GalleryRow], title: str, path: Path) -> None:
    """Write a gallery as PNG, SVG or PDF by the path's ending. Captions and labels are whole: long lines are folded."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = max(len(row.images) for row in rows)
    labels = ["\n".join(textwrap.wrap(row.label, _LABEL)) for row in rows]
    captions = [[contact_sheet.fold_caption(caption, _LETTERS) for caption in row.captions] for row in rows]
    margin = _GAP + max((label.count("\n") + 1) * _LABEL_LINE if label else 0.0 for label in labels) + 0.05
    heights = [_SIDE + _BETWEEN + _LINE * max(one.count("\n") + 1 for one in row) for row in captions]
    width, height = margin + columns * (_SIDE + _GAP), _TITLE + sum(heights) + 0.05
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    # One pair of axes in inches for all images: a pair for each takes ten times as long.
    axes = figure.add_axes((0, 0, 1, 1))
    for number, row in enumerate(rows):
        bottom = height - _TITLE - sum(heights[: number + 1])
        if label := labels[number]:
            middle = bottom + _SIDE / 2
            axes.text(margin / 2, middle, label, rotation=90, ha="center", va="center", fontsize=6.5, parse_math=False)
        for position in range(0 if row.with_query else 1, len(row.images)):
            left = margin + position * (_SIDE + _GAP)
            _draw_image(axes, row, position, captions[number][position], left, bottom)
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    axes.text(
        width / 2,
        height - 0.1,
        f"{title}\nleft: query; then its nearest neighbours, ✓ where a label matches, a thick blue frame where all do",
        ha="center",
        va="top",
        fontsize=9,
        parse_math=False,
    )
    saving.save_figure(figure, path, dpi=DPI)


def _draw_image(axes: Axes, row: GalleryRow, position: int, caption: str, left: float, bottom: float) -> None:
    """Draw an image of a row below its caption; a neighbour with its frame."""
    from matplotlib.patches import Rectangle

    image = row.images[position]
    axes.imshow(
        image,
        extent=(left, left + _SIDE, bottom, bottom + _SIDE),
        aspect="auto",
        interpolation="nearest" if image.shape[0] < 100 else "antialiased",
    )
    axes.text(left + _SIDE / 2, bottom + _SIDE + 0.05, caption, ha="center", fontsize=7, parse_math=False)
    if position:
        right = bool(row.right[position - 1])
        axes.add_patch(
            Rectangle(
                (left, bottom),
                _SIDE,
                _SIDE,
                fill=False,
                edgecolor=RIGHT if right else WRONG,
                linewidth=3.5 if right else 1,
                linestyle="solid" if right else "dashed",
            )
        )
