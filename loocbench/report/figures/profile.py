"""Profiles as small multiples: a panel a model, a line a question, between an untrained network and the best figure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from loocbench.report.figures import saving, styles
from loocbench.report.figures.saving import Paths
from loocbench.report.table.profiles import Profile, Question

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_PANELS = 12
_PANEL = 1.7  # inches
ABREAST = 2  # panels in a column of a paper
_LETTERS = 17  # of a question, per line
_TITLE_LETTERS = 23  # of a panel's title, per line, beside short questions


def draw_profiles(
    questions: Sequence[Question],
    profiles: Sequence[Profile],
    title: str,
    path: Paths,
    *,
    abreast: int = ABREAST,
) -> None:
    """Write the profiles as PNG, SVG or PDF by the path's ending; of more than ``MAX_PANELS`` the first alone,
    ``abreast`` of them side by side.

    A grey band goes from the untrained network's figure to the best one; a dot with its 95 % interval is the model's.
    The dot is open where the model has less than the untrained network.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = profiles[:MAX_PANELS]
    rows, width = -(-len(shown) // abreast), _PANEL * abreast
    names = [_fold(question.title, _LETTERS) for question in questions]
    lines = sum(1 + 0.6 * name.count("\n") for name in names)
    height = 0.65 + rows * (0.5 + 0.17 * lines)
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, abreast, squeeze=False, sharex=True, sharey=True).flatten()
    for axis, profile in zip(axes, shown, strict=False):
        _draw_panel(axis, names, profile)
    for axis in axes[len(shown) :]:
        axis.set_visible(False)
    for axis in axes[max(0, len(shown) - abreast) :]:
        axis.tick_params(labelbottom=True)
    left_out = f" ({len(profiles) - MAX_PANELS} more not drawn)" if len(profiles) > MAX_PANELS else ""
    figure.suptitle(styles.fold_title(title + left_out, width), fontsize=7, parse_math=False)
    figure.supxlabel(
        "per cent, 0 to 100 in all panels, so that they compare.\nGrey: from an untrained network to the best model."
        "\nOpen: less than the untrained network.",
        fontsize=6,
    )
    saving.save_figure(figure, path, dpi=220)


def _draw_panel(axis: Axes, names: Sequence[str], profile: Profile) -> None:
    places = range(len(names))
    for place, answer in zip(places, profile.answers, strict=True):
        low = 0.0 if answer.untrained is None else answer.untrained
        axis.barh(place, 100 * (answer.best - low), left=100 * low, height=0.62, color="0.86", linewidth=0)
        if answer.untrained is not None:
            axis.plot([100 * low] * 2, [place - 0.38, place + 0.38], color="0.35", linewidth=0.9)
        if (cell := answer.cell) is None:
            continue
        forgot = answer.untrained is not None and cell.value < answer.untrained
        if cell.low is not None and cell.high is not None:
            axis.plot(
                [100 * max(0.0, cell.low), 100 * min(1.0, cell.high)],
                [place] * 2,
                color="black",
                linewidth=0.9,
                zorder=3,
            )
        axis.plot(
            [100 * cell.value],
            [place],
            marker="o",
            markersize=4,
            color="black",
            markerfacecolor="white" if forgot else "black",
            linestyle="none",
            clip_on=False,
            zorder=4,
        )
        axis.text(104, place, f"{100 * cell.value:.1f}", fontsize=5.5, va="center", color="0.2")
    widest = max(len(line) for name in names for line in name.split("\n"))
    letters = _TITLE_LETTERS - max(0, widest - 11) // 2
    axis.set_title(_fold(profile.name, letters), fontsize=6.5, loc="left", parse_math=False, pad=3)
    axis.set_yticks(places, names, fontsize=6.5)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlim(0, 101)
    axis.set_xticks([0, 25, 50, 75, 100])
    axis.tick_params(axis="x", labelsize=6)
    axis.tick_params(length=2)
    axis.grid(axis="x", alpha=0.25, linewidth=0.5)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _fold(text: str, letters: int) -> str:
    return "\n".join(textwrap.wrap(text, letters, break_on_hyphens=False))
