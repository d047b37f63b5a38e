"""Retrieval galleries: each row a query image and its nearest neighbours, matches framed."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loocbench.report.figures import saving

_LABEL = 24  # characters per line of a row's label
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
    from matplotlib.patches import Rectangle

    columns = max(len(row.images) for row in rows)
    figure = Figure(figsize=(1.35 * columns + 0.2, 1.6 * len(rows) + 0.75), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, row in zip(grid, rows, strict=True):
        for position, axis in enumerate(axes):
            axis.set_axis_off()
            if position == 0 and row.label:
                label = "\n".join(textwrap.wrap(row.label, _LABEL))
                axis.text(
                    -0.12, 0.5, label, rotation=90, ha="center", va="center", fontsize=6, transform=axis.transAxes
                )
            if position >= len(row.images) or (position == 0 and not row.with_query):
                continue
            image = row.images[position].transpose(1, 2, 0)
            axis.imshow(image, interpolation="nearest" if image.shape[0] < 100 else "antialiased")
            axis.set_title(row.captions[position], fontsize=7, pad=3, parse_math=False)
            if position:
                right = bool(row.right[position - 1])
                axis.add_patch(
                    Rectangle(
                        (0, 0),
                        1,
                        1,
                        transform=axis.transAxes,
                        fill=False,
                        clip_on=False,
                        edgecolor=RIGHT if right else WRONG,
                        linewidth=3.5 if right else 1,
                        linestyle="solid" if right else "dashed",
                    )
                )
    figure.suptitle(
        f"{title}\nleft: query; then its nearest neighbours, ✓ where a label matches, a thick blue frame where all do",
        fontsize=9,
    )
    saving.save_figure(figure, path, dpi=120)
