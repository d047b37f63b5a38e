"""Line plots of panels: accuracy over shots, or over whatever was varied, one line per model and features."""

from __future__ import annotations

from collections.abc import Sequence

from loocbench.report.figures import saving, styles
from loocbench.report.figures.saving import Paths
from loocbench.report.table.panels import Panel

_PANEL = 3.4  # inches


def draw_line_plots(panels: Sequence[Panel], path: Paths) -> None:
    """Write panels side by side, in per cent, as PNG, SVG or PDF by the path's ending; a grey line shows chance."""
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
                axis.vlines(
                    xs, [100 * one for one in low], [100 * one for one in high], color=style["color"], alpha=0.6
                )
        if panel.chance is not None:
            axis.axhline(100 * panel.chance, color="0.6", linewidth=0.8)
        if panel.logarithmic:
            axis.set_xscale("log")
            ticks = sorted({point[0] for series in panel.series for point in series.points})
            axis.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.minorticks_off()
        axis.set_xlabel(panel.x, fontsize=8)
        axis.set_ylabel(f"{panel.y}, %", fontsize=8)
        title = panel.title if panel.title.startswith(panel.group) else f"{panel.group}: {panel.title}"
        axis.set_title(styles.fold_title(title, _PANEL), fontsize=8, loc="left", parse_math=False)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    styles.add_legend(figure, styles.legend_columns(names, figure.get_figwidth()))
    saving.save_figure(figure, path)
