"""Retrieval galleries: each row a query image and its nearest neighbours, matches framed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loocbench.report.figures import saving

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL = 24  # characters per line of a row's label
_SIDE, _GAP, _CAPTION = 1.2, 0.15, 0.35  # of an image, beside it and above it, in inches
_TITLE, _LABELS = 0.5, 0.4
RIGHT, WRONG = "#0072B2", "#BBBBBB"  # told apart without colour too: a thick frame against a thin dashed one


@dataclass(frozen=True)
class GalleryRow:
    """A query and its k nearest neighbours.

    images: uint8 [1 + k, 3, S, S], the query first. right: bool [k], whether a neighbour matches. captions: 1 + k short
    texts. label: the model, if several are compared. with_query: whether to show the query in this row.
    """

    images: npt.NDArray[np.uint8]
    right: npt.NDArray[np.bool_]
    captions: Sequence[str]
    label: str = ""
    with_query: bool = True


def draw_gallery(rows: Sequence[GalleryRow], title: str, path: Path) -> None:
    """Write a gallery as PNG, SVG or PDF by the path's ending."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = max(len(row.images) for row in rows)
    margin = _LABELS if any(row.label for row in rows) else _GAP
    width, height = margin + columns * (_SIDE + _GAP), _TITLE + len(rows) * (_SIDE + _CAPTION)
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    # One pair of axes in inches for all images: a pair for each takes ten times as long.
    axes = figure.add_axes((0, 0, 1, 1))
    for number, row in enumerate(rows):
        bottom = height - _TITLE - (number + 1) * (_SIDE + _CAPTION)
        if row.label:
            label = "\n".join(textwrap.wrap(row.label, _LABEL))
            axes.text(margin / 2, bottom + _SIDE / 2, label, rotation=90, ha="center", va="center", fontsize=6)
        for position in range(0 if row.with_query else 1, len(row.images)):
            _draw_image(axes, row, position, margin + position * (_SIDE + _GAP), bottom)
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
    saving.save_figure(figure, path, dpi=120)


def _draw_image(axes: Axes, row: GalleryRow, position: int, left: float, bottom: float) -> None:
    """Draw an image of a row below its caption; a neighbour with its frame."""
    from matplotlib.patches import Rectangle

    image = row.images[position].transpose(1, 2, 0)
    axes.imshow(
        image,
        extent=(left, left + _SIDE, bottom, bottom + _SIDE),
        aspect="auto",
        interpolation="nearest" if image.shape[0] < 100 else "antialiased",
    )
    axes.text(
        left + _SIDE / 2, bottom + _SIDE + 0.05, row.captions[position], ha="center", fontsize=7, parse_math=False
    )
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
