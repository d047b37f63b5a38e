"""The picture of a curve over the size of a change: a panel a change, a line for each row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loocbench.changes.ranges import range_of
from loocbench.report import drawing, saving
from loocbench.types import Row


def draw(rows: Sequence[Row], changes: Sequence[str], value: str, meaning: str, chance: float, path: Path) -> None:
    """Write atomically, as PNG, SVG or PDF, what the rows' curves say of ``value`` at each strength of each change.

    meaning: what stands beside the axis, in per cent; chance: the level of a representation that knows nothing.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(0.8 + 2.9 * len(changes), 3.2 + 0.16 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(changes), sharey=True, squeeze=False)[0]
    for axis, change in zip(panels, changes, strict=True):
        for number, row in enumerate(rows):
            points = [(point[change], 100 * point[value]) for point in row.curve if change in point]
            axis.plot(
                *zip(*points, strict=True),
                label=f"{row.model}, {row.features}",
                **drawing.line(number),
            )
        axis.axhline(100 * chance, color="0.6", linewidth=0.8)
        axis.set_xlabel(f"{change}, {range_of(change).unit}", fontsize=8)
        axis.tick_params(labelsize=7)
    lowest = min(100 * point[value] for row in rows for point in row.curve if value in point)
    panels[0].set_ylim(min(100 * chance - 8, lowest - 2), 102)
    panels[0].set_ylabel(meaning, fontsize=8)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", fontsize=7, ncols=2)
    saving.save(figure, path)
