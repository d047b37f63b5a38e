"""Curves of a pretraining run: losses, diagnostics of collapse, signs of learning, kNN accuracy on held-out images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from loocbench.report.figures import saving, styles
from loocbench.report.figures.saving import Paths

_COLUMNS = 4
_VARIES = "varies with"
_RANK = "effective rank of the features (1: collapsed)"
Log = Sequence[Mapping[str, Any]]
Values = list[tuple[int, Any]]  # (epoch, what was logged)


def draw_training_curves(log: Log, title: str, path: Paths) -> None:
    """Draw a training log (one entry per epoch) as PNG, SVG or PDF by the path's ending, one panel per logged value.

    The dotted lines beside the losses are those of a network that learned nothing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    by_space, single = list(_list_panels(log)), list(_list_single_panels(log))
    count = len(by_space) + len(single)
    columns, rows = min(count, _COLUMNS), -(-count // _COLUMNS)
    figure = Figure(figsize=(4.0 * columns, 3.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis, (label, entries) in zip(axes, by_space, strict=False):
        for number, space in enumerate(entries[-1][1]):
            epochs, values = zip(*((epoch, value.get(space)) for epoch, value in entries), strict=True)
            axis.plot(epochs, values, label=space, **styles.line_style(number), markevery=max(1, len(epochs) // 10))
        if label.startswith(_VARIES):  # not zoomed in on the noise of spaces that ignore the augmentation
            low, high = axis.get_ylim()
            axis.set_ylim(min(low, -0.05), max(high, 0.25))
            axis.set_title("axis to 0.25 at least: below is noise", fontsize=7, loc="left")
        axis.set_ylabel(label)
        axis.legend(fontsize=7)
    for chance in sorted(set(log[-1].get("chance_losses", {}).values())):
        axes[0].axhline(chance, color="black", linestyle=":", linewidth=0.8)
    for axis, (label, entries) in zip(axes[len(by_space) :], single, strict=False):
        axis.plot(*zip(*entries, strict=True), **styles.line_style(0))
        axis.set_ylabel(label)
        if label == _RANK:  # its lower end means something: 1 is collapse
            axis.set_ylim(bottom=0)
    for axis in axes[:count]:
        axis.set_xlabel("epoch")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axis.grid(alpha=0.3)
    for axis in axes[count:]:
        axis.remove()
    figure.suptitle(styles.fold_title(title, figure.get_figwidth()), fontsize=9, parse_math=False)
    saving.save_figure(figure, path, dpi=120)


def _list_panels(log: Log) -> Iterator[tuple[str, Values]]:
    """Label and entries of each panel with a line per space; the losses come first."""
    for key, label in (("losses", "loss"), ("alignment", "alignment"), ("uniformity", "uniformity of the queue")):
        if entries := _find_values(log, key):
            yield label, entries
    variation = _find_values(log, "variation")
    for name in next(iter(variation[-1][1].values())) if variation else ():
        by_space = [(epoch, {space: moved.get(name) for space, moved in value.items()}) for epoch, value in variation]
        yield f"{_VARIES} {name}", by_space


def _list_single_panels(log: Log) -> Iterator[tuple[str, Values]]:
    """Label and entries of each panel with a single line."""
    for key, label in (("effective_rank", _RANK), ("knn", "kNN accuracy, held out")):
        if entries := _find_values(log, key):
            yield label, entries


def _find_values(log: Log, key: str) -> Values:
    return [(entry["epoch"], entry[key]) for entry in log if entry.get(key)]
