"""Contact sheets: many images in one figure, each with a caption."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

from loocbench.report.figures import saving
from loocbench.types import Pixels

_COLUMNS = 8
_LETTERS = 24  # that fit above an image, per line
_SIDE, _LINE = 1.5, 0.125  # inches: of an image with its margin, of a line of a caption


def draw_contact_sheet(images: Sequence[Pixels], captions: Sequence[str], title: str, path: Path) -> None:
    """Write images (uint8 [H, W, 3] of any size) below their captions, as PNG, SVG or PDF by the path's ending.

    Captions are whole: long lines are folded, and the rows are as high as their longest caption needs.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folded = [fold_caption(caption, _LETTERS) for caption in captions]
    rows = math.ceil(len(images) / _COLUMNS)
    lines = max((caption.count("\n") + 1 for caption in folded), default=1)
    height = rows * (_SIDE + lines * _LINE) + 0.35 + 0.15 * title.count("\n")
    figure = Figure(figsize=(1.45 * _COLUMNS, height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axis in grid:
        axis.set_axis_off()
    for axis, image, caption in zip(grid, images, folded, strict=False):
        axis.imshow(image)
        axis.set_title(caption, fontsize=7, pad=3, parse_math=False)
    figure.suptitle(title, fontsize=9, parse_math=False)
    saving.save_figure(figure, path, dpi=120)


def fold_caption(caption: str, letters: int) -> str:
    """A caption with lines of at most so many letters; its own line breaks stay."""
    lines = [part for line in caption.split("\n") for part in textwrap.wrap(line, letters) or [""]]
    return "\n".join(lines)


def plain_name(name: str) -> str:
    """A class name ("001.Black_footed_Albatross", "Plants/Acer_rubrum") as people write it."""
    words = name.rsplit("/", 1)[-1].replace("_", " ")
    number, dot, rest = words.partition(".")
    return rest if dot and number.isdecimal() else words
