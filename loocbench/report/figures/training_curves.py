"""Curves of a pretraining run: losses, diagnostics of collapse, and kNN accuracy on held-out images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loocbench.report.figures import saving, styles
from loocbench.report.figures.saving import Paths


def draw_training_curves(log: Sequence[dict[str, Any]], title: str, path: Paths) -> None:
    """Draw a training log (one entry per epoch) as PNG, SVG or PDF by the path's ending, one panel per logged value."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    panels = [("losses", "loss"), ("alignment", "alignment"), ("uniformity", "uniformity of the queue")]
    panels = [(key, label) for key, label in panels if any(entry.get(key) for entry in log)]
    accuracies = [(entry["epoch"], entry["knn"]) for entry in log if "knn" in entry]
    count = len(panels) + bool(accuracies)
    figure = Figure(figsize=(4.0 * count, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, count, squeeze=False)[0]
    for axis, (key, label) in zip(axes, panels, strict=False):
        entries = [entry for entry in log if entry.get(key)]
        for number, space in enumerate(entries[-1][key]):
            epochs = [entry["epoch"] for entry in entries]
            values = [entry[key].get(space) for entry in entries]
            axis.plot(epochs, values, label=space, **styles.line_style(number), markevery=max(1, len(epochs) // 10))
        axis.set_ylabel(label)
        axis.legend(fontsize=7)
    if accuracies:
        axes[-1].plot(*zip(*accuracies, strict=True), **styles.line_style(0))
        axes[-1].set_ylabel("kNN accuracy, held out")
        axes[-1].set_ylim(bottom=0)
    for axis in axes:
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
    figure.suptitle(styles.fold_title(title, figure.get_figwidth()), fontsize=9, parse_math=False)
    saving.save_figure(figure, path, dpi=120)
