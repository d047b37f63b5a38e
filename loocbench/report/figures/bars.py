"""The picture of accuracy by space: a group of bars for each task, a bar for each model and features."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from loocbench.report.figures import drawing, panels, saving
from loocbench.report.figures.saving import Paths
from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.columns import Column
from loocbench.types import SELECTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 12  # bars of a group; more cannot be told apart
_HEADING = 16  # characters of a line below a group
_NARROWEST, _WIDEST = 4.0, 13.0  # inches


def draw(columns: Sequence[Column], lines: Sequence[Line], title: str, path: Paths) -> None:
    """Write the bars as the path's ending says (PNG, SVG, PDF), atomically, with 95 % intervals, in per cent.

    lines: their cells are of these columns, in the same order; at most ``MOST`` of them are drawn, single spaces last.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = most_telling(lines)
    names, group = panels.names(shown), 0.5 + 0.22 * len(shown)
    abreast = min(len(columns), max(1, int(_WIDEST / group)))
    rows = -(-len(columns) // abreast)
    width = max(1.6 + abreast * group, _NARROWEST)
    fitting = drawing.legend_columns(names, width)
    figure = Figure(figsize=(width, 3.0 * rows + 0.6 + 0.17 * -(-len(shown) // fitting)), layout="constrained")
    FigureCanvasAgg(figure)
    for number, axis in enumerate(figure.subplots(rows, squeeze=False)[:, 0]):
        places = range(number * abreast, min((number + 1) * abreast, len(columns)))
        _bars(axis, [[line.cells[place] for place in places] for line in shown], names)
        axis.set_xticks(range(len(places)), [_folded(columns[place]) for place in places], fontsize=7)
        axis.set_xlim(-0.5, abreast - 0.5)
    left_out = f" ({len(lines) - MOST} more not drawn)" if len(lines) > MOST else ""
    figure.axes[0].set_title(drawing.folded(title + left_out, width), fontsize=9, loc="left", parse_math=False)
    handles = {
        label: handle for axis in figure.axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", fontsize=7, ncols=fitting)
    saving.save(figure, path)


def most_telling(lines: Sequence[Line]) -> list[Line]:
    """At most ``MOST`` lines, in their order: where there are more, first those of what a model is evaluated on."""
    parts = [line.features.startswith("head:") or line.features == SELECTED for line in lines]
    kept = sorted(sorted(range(len(lines)), key=parts.__getitem__)[:MOST])
    return [lines[place] for place in kept]


def _bars(axis: Axes, cells: Sequence[Sequence[Cell | None]], names: Sequence[str]) -> None:
    """Groups of bars side by side. cells: of each line, those of the groups."""
    width = 0.85 / len(cells)
    for number, (name, line) in enumerate(zip(names, cells, strict=True)):
        known = [(place, cell) for place, cell in enumerate(line) if cell]
        axis.bar(
            [place + (number - (len(cells) - 1) / 2) * width for place, _ in known],
            [100 * cell.value for _, cell in known],
            width,
            yerr=[100 * cell.half for _, cell in known],
            error_kw={"elinewidth": 0.9, "capsize": 2},
            label=name,
            **drawing.bar(number),
        )
    axis.set_ylabel("per cent", fontsize=8)
    axis.set_ylim(0, 102)
    axis.tick_params(axis="y", labelsize=7)
    axis.grid(axis="y", alpha=0.3)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _folded(column: Column) -> str:
    return "\n".join(textwrap.wrap(column.short, _HEADING))
