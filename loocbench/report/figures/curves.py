"""The curves of a pretraining run: losses, learning rate, signs of collapse, and looks at held-out images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loocbench.report.figures import drawing, saving
from loocbench.report.figures.saving import Paths


def draw(log: Sequence[dict[str, Any]], title: str, path: Paths) -> None:
    """Draw a log (one entry an epoch) atomically as PNG, SVG or PDF: one panel for each thing that it holds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    panels = [("losses", "loss"), ("alignment", "alignment"), ("uniformity", "uniformity of the queue")]
    panels = [(key, label) for key, label in panels if any(entry.get(key) for entry in log)]
    looks = [(entry["epoch"], entry["knn"]) for entry in log if "knn" in entry]
    count = len(panels) + bool(looks)
    figure = Figure(figsize=(4.0 * count, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, count, squeeze=False)[0]
    for axis, (key, label) in zip(axes, panels, strict=False):
        entries = [entry for entry in log if entry.get(key)]
        for number, space in enumerate(entries[-1][key]):
            epochs = [entry["epoch"] for entry in entries]
            values = [entry[key].get(space) for entry in entries]
            axis.plot(epochs, values, label=space, **drawing.line(number), markevery=max(1, len(epochs) // 10))
        axis.set_ylabel(label)
        axis.legend(fontsize=7)
    if looks:
        axes[-1].plot(*zip(*looks, strict=True), **drawing.line(0))
        axes[-1].set_ylabel("kNN accuracy, held out")
        axes[-1].set_ylim(bottom=0)
    for axis in axes:
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.3)
    figure.suptitle(drawing.folded(title, figure.get_figwidth()), fontsize=9, parse_math=False)
    saving.save(figure, path, dpi=120)
