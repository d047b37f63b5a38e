"""Heat maps of sensitivity: feature spaces by image changes, a panel per metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from loocbench.changes.ranges import get_range
from loocbench.report.figures import saving, styles
from loocbench.report.figures.saving import Paths
from loocbench.report.table import labels
from loocbench.report.table.matrices import MATRIX_METRICS
from loocbench.types import Row


def draw_heat_map(rows: Sequence[Row], changes: Sequence[str], title: str, path: Paths) -> None:
    """Write the heat map of sensitivity rows as PNG, SVG or PDF by the path's ending; each field holds its value."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(2.2 + 0.62 * len(changes), len(MATRIX_METRICS) * (1.1 + 0.34 * len(rows))), layout="constrained"
    )
    FigureCanvasAgg(figure)
    for axis, (metric, (meaning, low, high)) in zip(
        figure.subplots(len(MATRIX_METRICS)), MATRIX_METRICS.items(), strict=True
    ):
        values = np.array([[row.metrics[f"{change}_{metric}"].value for change in changes] for row in rows])
        axis.imshow(values, cmap="Blues", vmin=low, vmax=high, aspect="auto")
        for (line, column), value in np.ndenumerate(values):
            shade = (value - low) / (high - low)
            text, color = labels.format_number(value, 2), "w" if shade > 0.6 else "k"
            axis.text(column, line, text, ha="center", va="center", fontsize=7, color=color)
        names = [_with_chance(change) if metric == "equivariance" else change for change in changes]
        axis.set_xticks(range(len(changes)), names, fontsize=7)
        axis.set_yticks(range(len(rows)), [row.features for row in rows], fontsize=7)
        axis.set_title(meaning, fontsize=8, loc="left")
        axis.tick_params(length=0)
    figure.suptitle(styles.fold_title(title, figure.get_figwidth()), fontsize=9, parse_math=False)
    saving.save_figure(figure, path)


def _with_chance(change: str) -> str:
    """The change's name, with the chance level below it if the change is recognised by classification."""
    classes = get_range(change).classes
    return f"{change}\n({1 / len(classes):.2f})" if classes else change
