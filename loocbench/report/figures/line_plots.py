"""Line plots of panels: accuracy over shots, or over whatever was varied, one line per model and features.

The y axis begins and ends where the data are, chance included where it is known; its ticks say where.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from loocbench.report.figures import saving, styles
from loocbench.report.figures.saving import Paths
from loocbench.report.table.panels import Panel, describe_left_out

_PANEL = 3.4  # inches
_MAX_TICKS = 9
_LEAST_GAP = 0.06  # of the axis, between two labels


def draw_line_plots(panels: Sequence[Panel], path: Paths) -> None:
    """Write panels side by side, in per cent, as PNG, SVG or PDF by the path's ending; a grey line shows chance.

    A tick stands at each measured place, so that turns are at quarter turns; of more than ``_MAX_TICKS`` places, at
    every second or third.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(series.name for panel in panels for series in panel.series))
    figure = Figure(figsize=(0.6 + _PANEL * len(panels), 3.0 + 0.17 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for series in panel.series:
            xs, values, low, high = zip(*series.points, strict=True)
            style = styles.line_style(names.index(series.name))
            axis.plot(xs, [100 * value for value in values], label=series.name, **style)
            if low != high:
                below = [100 * (value - one) for value, one in zip(values, low, strict=True)]
                above = [100 * (one - value) for value, one in zip(values, high, strict=True)]
                axis.errorbar(
                    xs,
                    [100 * value for value in values],
                    yerr=[below, above],
                    fmt="none",
                    ecolor=style["color"],
                    elinewidth=0.9,
                    capsize=2,
                    alpha=0.6,
                )
        if panel.chance is not None:
            axis.axhline(100 * panel.chance, color="0.6", linewidth=0.8)
            axis.text(
                0.99,
                100 * panel.chance,
                "chance",
                transform=axis.get_yaxis_transform(),
                ha="right",
                va="bottom",
                fontsize=6,
                color="0.4",
            )
        if panel.logarithmic:
            axis.set_xscale("log")
        places = sorted({point[0] for series in panel.series for point in series.points})
        ticks = places[:: -(-len(places) // _MAX_TICKS)]
        axis.set_xticks(ticks, label_ticks(ticks, logarithmic=panel.logarithmic))
        axis.minorticks_off()
        axis.set_xlabel(panel.x, fontsize=8)
        axis.set_ylabel(f"{panel.y}, %", fontsize=8)
        title = panel.title if panel.title.startswith(panel.group) else f"{panel.group}: {panel.title}"
        if panel.left_out:
            title += f" ({describe_left_out(panel.left_out)})"
        axis.set_title(styles.fold_title(title, _PANEL), fontsize=8, loc="left", parse_math=False)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    styles.add_legend(figure, styles.legend_columns(names, figure.get_figwidth()))
    saving.save_figure(figure, path)


def label_ticks(ticks: Sequence[float], *, logarithmic: bool) -> list[str]:
    """Labels of sorted ticks; one that would touch the one before it is empty, but never the last one's."""
    places = [math.log(tick) for tick in ticks] if logarithmic else list(ticks)
    gap = _LEAST_GAP * (places[-1] - places[0])
    labels, free = [""] * len(ticks), places[-1] - gap
    labels[-1] = f"{ticks[-1]:g}"
    after = -math.inf
    for number, place in enumerate(places[:-1]):
        if after <= place <= free:
            labels[number], after = f"{ticks[number]:g}", place + gap
    return labels
