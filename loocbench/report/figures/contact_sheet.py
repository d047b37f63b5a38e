"""Contact sheets: many images in one figure, each with a caption."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from loocbench.report.figures import saving
from loocbench.types import Pixels

_COLUMNS = 8
_CAPTION = 20  # characters that fit above an image


def draw_contact_sheet(images: Sequence[Pixels], captions: Sequence[str], title: str, path: Path) -> None:
    """Write images (uint8 [H, W, 3] of any size) below their captions, as PNG, SVG or PDF by the path's ending."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = math.ceil(len(images) / _COLUMNS)
    figure = Figure(figsize=(1.45 * _COLUMNS, 1.6 * rows + 0.5), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for axis in grid:
        axis.set_axis_off()
    for axis, image, caption in zip(grid, images, captions, strict=False):
        axis.imshow(image)
        axis.set_title(_short_caption(caption), fontsize=7, pad=3, parse_math=False)
    figure.suptitle(title, fontsize=9, parse_math=False)
    saving.save_figure(figure, path, dpi=120)


def _short_caption(caption: str) -> str:
    """A class name ("001.Black_footed_Albatross", "Plants/Acer_rubrum") as people write it, shortened to fit."""
    words = caption.rsplit("/", 1)[-1].replace("_", " ")
    number, dot, name = words.partition(".")
    words = name if dot and number.isdecimal() else words
    return words if len(words) <= _CAPTION else words[: _CAPTION - 1] + "…"
