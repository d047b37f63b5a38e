"""The picture of what each space kept: spaces by changes, a panel for each of the three answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loocbench.changes.ranges import range_of
from loocbench.report.figures import drawing, saving
from loocbench.report.figures.saving import Paths
from loocbench.types import Row

PANELS = {  # metric -> title, lowest, highest
    "equivariance": ("can the change be told? R², or accuracy (chance in brackets)", 0.0, 1.0),
    "invariance": ("do the features stay? cosine", 0.0, 1.0),
    "top1_loss": ("top-1 lost under the change", 0.0, 0.5),
}


def draw(rows: Sequence[Row], changes: Sequence[str], title: str, path: Paths) -> None:
    """Write the heat map of some sensitivity rows atomically as PNG, SVG or PDF: dark is much, each field holds its
    figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.2 + 0.62 * len(changes), len(PANELS) * (1.1 + 0.34 * len(rows))), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, (metric, (meaning, low, high)) in zip(figure.subplots(len(PANELS)), PANELS.items(), strict=True):
        values = np.array([[row.metrics[f"{change}_{metric}"].value for change in changes] for row in rows])
        axis.imshow(values, cmap="Blues", vmin=low, vmax=high, aspect="auto")
        for (line, column), value in np.ndenumerate(values):
            shade = (value - low) / (high - low)
            said, color = f"{round(value, 2) + 0.0:.2f}", "w" if shade > 0.6 else "k"  # + 0.0: no "-0.00"
            axis.text(column, line, said, ha="center", va="center", fontsize=7, color=color)
        names = [_with_chance(change) if metric == "equivariance" else change for change in changes]
        axis.set_xticks(range(len(changes)), names, fontsize=7)
        axis.set_yticks(range(len(rows)), [row.features for row in rows], fontsize=7)
        axis.set_title(meaning, fontsize=8, loc="left")
        axis.tick_params(length=0)
    figure.suptitle(drawing.folded(title, figure.get_figwidth()), fontsize=9, parse_math=False)
    saving.save(figure, path)


def _with_chance(change: str) -> str:
    """The change's name, and below it what guessing reaches where it is told by classes."""
    classes = range_of(change).classes
    return f"{change}\n({1 / len(classes):.2f})" if classes else change
