"""The picture of panels: accuracy over shots, or over whatever was varied, a line for each model and features; grey:
chance."""

from __future__ import annotations

from collections.abc import Sequence

from loocbench.report.figures import drawing, saving
from loocbench.report.figures.panels import Panel
from loocbench.report.figures.saving import Paths

_PANEL = 3.4  # inches


def draw(shown: Sequence[Panel], path: Paths) -> None:
    """Write panels side by side as the path's ending says (PNG, SVG, PDF), atomically, in per cent."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(series.name for panel in shown for series in panel.series))
    figure = Figure(figsize=(0.6 + _PANEL * len(shown), 3.0 + 0.17 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, panel in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for series in panel.series:
            xs, values, low, high = zip(*series.points, strict=True)
            style = drawing.line(names.index(series.name))
            axis.plot(xs, [100 * value for value in values], label=series.name, **style)
            if low != high:
                axis.vlines(
                    xs, [100 * one for one in low], [100 * one for one in high], color=style["color"], alpha=0.6
                )
        if panel.chance is not None:
            axis.axhline(100 * panel.chance, color="0.6", linewidth=0.8)
        if panel.logarithmic:
            axis.set_xscale("log")
            places = sorted({point[0] for series in panel.series for point in series.points})
            axis.set_xticks(places, [f"{place:g}" for place in places])
            axis.minorticks_off()
        axis.set_xlabel(panel.x, fontsize=8)
        axis.set_ylabel(f"{panel.y}, %", fontsize=8)
        title = panel.title if panel.title.startswith(panel.group) else f"{panel.group}: {panel.title}"
        axis.set_title(drawing.folded(title, _PANEL), fontsize=8, loc="left", parse_math=False)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    handles = {
        label: handle for axis in figure.axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    fitting = drawing.legend_columns(handles, figure.get_figwidth())
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", fontsize=7, ncols=fitting)
    saving.save(figure, path)
