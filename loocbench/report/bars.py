"""The picture of accuracy by space: a group of bars for each task, a bar for each model and features."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from loocbench.report import drawing, panels, saving
from loocbench.report.cells import Line
from loocbench.report.columns import Column
from loocbench.report.saving import Paths

MOST = 12  # bars of a group; more cannot be told apart
_HEADING = 16  # characters of a line below a group


def draw(columns: Sequence[Column], lines: Sequence[Line], title: str, path: Paths) -> None:
    """Write the bars as the path's ending says (PNG, SVG, PDF), atomically, with 95 % intervals, in per cent.

    lines: their cells are of these columns, in the same order; at most ``MOST`` of them are drawn.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = lines[:MOST]
    figure = Figure(
        figsize=(1.6 + len(columns) * (0.5 + 0.22 * len(shown)), 3.4 + 0.17 * len(shown)), layout="constrained"
    )
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    width = 0.85 / len(shown)
    for number, (name, line) in enumerate(zip(panels.names(shown), shown, strict=True)):
        cells = [(place, cell) for place, cell in enumerate(line.cells) if cell]
        axis.bar(
            [place + (number - (len(shown) - 1) / 2) * width for place, _ in cells],
            [100 * cell.value for _, cell in cells],
            width,
            yerr=[100 * cell.half for _, cell in cells],
            error_kw={"elinewidth": 0.9, "capsize": 2},
            label=name,
            **drawing.bar(number),
        )
    axis.set_xticks(range(len(columns)), [_folded(column) for column in columns], fontsize=7)
    axis.set_ylabel("per cent", fontsize=8)
    axis.set_ylim(0, 102)
    axis.tick_params(axis="y", labelsize=7)
    axis.grid(axis="y", alpha=0.3)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    left_out = f" ({len(lines) - MOST} more lines are not drawn)" if len(lines) > MOST else ""
    axis.set_title(title + left_out, fontsize=9, loc="left", parse_math=False)
    figure.legend(loc="outside lower center", fontsize=7, ncols=2)
    saving.save(figure, path)


def _folded(column: Column) -> str:
    return "\n".join(textwrap.wrap(column.short, _HEADING))
