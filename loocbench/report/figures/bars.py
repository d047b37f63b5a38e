"""Bar charts of accuracy by feature space: a group of bars per task, a bar per model and features."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from loocbench.report.figures import saving, styles
from loocbench.report.figures.saving import Paths
from loocbench.report.table import panels
from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.columns import Column

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_BARS = 12  # per group; more cannot be told apart
_HEADING = 16  # characters per line below a group
_NARROWEST, _WIDEST = 4.0, 13.0  # inches


def draw_bars(columns: Sequence[Column], lines: Sequence[Line], title: str, path: Paths) -> None:
    """Write bars with 95 % intervals, in per cent, as PNG, SVG or PDF by the path's ending.

    lines: with one cell per column; of more than ``MAX_BARS``, :func:`choose_lines` says which are drawn.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = choose_lines(lines)
    names, group = panels.legend_names(shown), 0.5 + 0.22 * len(shown)
    abreast = min(len(columns), max(1, int(_WIDEST / group)))
    rows = -(-len(columns) // abreast)
    width = max(1.6 + abreast * group, _NARROWEST)
    fitting = styles.legend_columns(names, width)
    figure = Figure(figsize=(width, 3.0 * rows + 0.6 + 0.17 * -(-len(shown) // fitting)), layout="constrained")
    FigureCanvasAgg(figure)
    for number, axis in enumerate(figure.subplots(rows, squeeze=False)[:, 0]):
        places = range(number * abreast, min((number + 1) * abreast, len(columns)))
        _draw_groups(axis, [[line.cells[place] for place in places] for line in shown], names)
        axis.set_xticks(range(len(places)), [_fold_heading(columns[place]) for place in places], fontsize=7)
        axis.set_xlim(-0.5, abreast - 0.5)
    left_out = f" ({panels.describe_left_out(len(lines) - MAX_BARS)})" if len(lines) > MAX_BARS else ""
    low, high = _find_range(shown)
    for axis in figure.axes:  # all rows of groups on one scale; bars begin at 0, since their length is the figure
        axis.set_ylim(low, high)
    figure.axes[0].set_title(styles.fold_title(title + left_out, width), fontsize=9, loc="left", parse_math=False)
    styles.add_legend(figure, fitting)
    saving.save_figure(figure, path)


def choose_lines(lines: Sequence[Line]) -> list[Line]:
    """At most ``MAX_BARS`` lines, in their order; single spaces are left out first, then validation's choice."""
    return [lines[place] for place in panels.choose_places([line.features for line in lines], MAX_BARS)]


def _find_range(lines: Sequence[Line]) -> tuple[float, float]:
    """The axis of bars, per cent: from 0, or below the lowest interval, to a little above the highest one."""
    cells = [cell for line in lines for cell in line.cells if cell]
    high = max((cell.value if cell.high is None else cell.high for cell in cells), default=1.0)
    low = min((cell.value if cell.low is None else cell.low for cell in cells), default=0.0)
    room = 2 * max(high, 0.05)
    return (100 * low - room if low < 0 else 0.0), 100 * max(high, 0.0) + room


def _draw_groups(axis: Axes, cells: Sequence[Sequence[Cell | None]], names: Sequence[str]) -> None:
    """Draw groups of bars side by side. cells: for each line, its cell in each group."""
    width = 0.85 / len(cells)
    for number, (name, line) in enumerate(zip(names, cells, strict=True)):
        known = [(place, cell) for place, cell in enumerate(line) if cell]
        if not known:  # without a bar the legend would show none of its colours
            continue
        axis.bar(
            [place + (number - (len(cells) - 1) / 2) * width for place, _ in known],
            [100 * cell.value for _, cell in known],
            width,
            yerr=list(zip(*(_reach(cell) for _, cell in known), strict=True)),
            error_kw={"elinewidth": 0.9, "capsize": 2},
            label=name,
            **styles.bar_style(number),
        )
    axis.set_ylabel("per cent", fontsize=8)
    axis.tick_params(axis="y", labelsize=7)
    axis.grid(axis="y", alpha=0.3)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _fold_heading(column: Column) -> str:
    return "\n".join(textwrap.wrap(column.short, _HEADING, break_on_hyphens=False))


def _reach(cell: Cell) -> tuple[float, float]:
    """How far the interval goes below and above the figure, per cent: Wilson's is not symmetric."""
    if cell.low is None or cell.high is None:
        return 0.0, 0.0
    return 100 * max(0.0, cell.value - cell.low), 100 * max(0.0, cell.high - cell.value)
