"""Saving figures as SVG, PDF or PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loocbench import files
from loocbench.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "pdf", "png")
Paths = Path | Sequence[Path]


def save_figure(figure: Figure, paths: Paths, *, dpi: int = 150) -> None:
    """Write a figure atomically to one or several files, each in the format of its ending (.svg, .pdf, .png).

    The files are reproducible: they hold no dates and no random names. Several files share one layout. dpi: resolution
    of PNG files and of images inside the others. Raises UserError for another ending.
    """
    several = [paths] if isinstance(paths, Path) else paths
    if len(several) > 1:
        figure.set_dpi(dpi)  # letters are a little wider at some resolutions than at others
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    for path in several:
        _save(figure, path, dpi)


def require_format(path: Path) -> str:
    """Return the format that a path's ending names. Raises UserError for another ending."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise UserError(f"cannot draw {path}: name a file that ends in {', '.join(f'.{one}' for one in FORMATS)}.")
    return kind


def _save(figure: Figure, path: Path, dpi: int) -> None:
    import matplotlib

    kind = require_format(path)
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": None}[kind]
    with files.writing(path) as part, matplotlib.rc_context({"svg.hashsalt": "loocbench", "pdf.fonttype": 42}):
        figure.savefig(part, format=kind, dpi=dpi, metadata=undated)
