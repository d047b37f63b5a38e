"""Maps of feature spaces: a panel per space and factor, each image a dot in the colour and shape of its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loocbench.report.figures import saving, styles
from loocbench.types import Labels

MOST_CLASSES = 14  # that are told apart by colour and shape; the others are grey
OTHERS = "#B8B8B8"
_EDGE = "#404040"  # of dots in colours that classes are named after, among which white is
_NAME = 26  # characters of a class in the legend


@dataclass(frozen=True)
class Space:
    """A space's map. positions: [N, 2]. trust: its trustworthiness, in [0, 1]."""

    name: str
    positions: npt.NDArray[np.float32]
    trust: float


@dataclass(frozen=True)
class Factor:
    """A label of the images: values int64 [N]; names of the K classes."""

    name: str
    values: Labels
    names: Sequence[str]


@dataclass(frozen=True)
class Shown:
    """How a factor's classes are shown. classes: value -> place among colours and shapes. legend: a text per place, in
    order, and after them one for the grey dots if there are any. others: number of classes in grey. named: the colours
    of the places where all classes are names of colours, else empty."""

    classes: Mapping[int, int]
    legend: Sequence[str]
    others: int
    named: Sequence[str] = ()

    def color_of(self, place: int) -> str:
        """Return the colour of a place; -1 is grey."""
        if place < 0:
            return OTHERS
        return self.named[place] if self.named else styles.COLORS[place % len(styles.COLORS)]

    @property
    def edge(self) -> str:
        """The colour of the dots' edges, or "none"."""
        return _EDGE if self.named else "none"


def choose_classes(factor: Factor) -> Shown:
    """Return which classes get colour and shape: all, or the most frequent of many (of equally many the first).

    Classes that are named after colours ("red", "grey") have these.
    """
    present, counts = np.unique(factor.values[factor.values >= 0], return_counts=True)
    chosen = present
    if len(present) > MOST_CLASSES:
        chosen = np.sort(present[np.argsort(-counts, kind="stable")[: MOST_CLASSES - 1]])
    others = len(present) - len(chosen)
    legend = [shorten(factor.names[value]) for value in chosen]
    if others:
        legend.append(f"{others} other classes")
    places = {int(value): place for place, value in enumerate(chosen)}
    return Shown(places, legend, others, _name_colors([factor.names[value] for value in chosen]))


def _name_colors(names: Sequence[str]) -> list[str]:
    """The colours that classes are named after; empty unless all are."""
    from matplotlib.colors import CSS4_COLORS

    found = [str(CSS4_COLORS.get(name.lower(), "")) for name in names]
    return found if all(found) else []


def shorten(name: str) -> str:
    """Return a class name ("001.Black_footed_Albatross") as people write it, shortened to fit."""
    words = name.rsplit("/", 1)[-1].replace("_", " ")
    number, dot, rest = words.partition(".")
    words = rest if dot and number.isdecimal() else words
    return words if len(words) <= _NAME else words[: _NAME - 1] + "…"


def draw_maps(spaces: Sequence[Space], factors: Sequence[Factor], title: str, paths: Path | Sequence[Path]) -> None:
    """Write the maps, a row per factor and a column per space, as PNG, PDF or SVG by each path's ending."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = [*factors] or [Factor("", np.full(len(spaces[0].positions), -1), ())]
    width, height = 2.6 * len(spaces) + 1.9, 2.6 * len(rows) + 0.7
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), len(spaces), squeeze=False)
    size = float(np.clip(4000 / max(1, len(spaces[0].positions)), 4, 22))
    for axes, factor in zip(grid, rows, strict=True):
        shown = choose_classes(factor)
        for axis, space in zip(axes, spaces, strict=True):
            axis.set(xticks=[], yticks=[])
            axis.set_aspect("equal", adjustable="datalim")  # distances are the same in both directions
            axis.set_title(f"{space.name}, trust {space.trust:.2f}", fontsize=8, parse_math=False)
            _draw_dots(axis, space, factor, shown, size)
        axes[0].set_ylabel(factor.name, fontsize=9, parse_math=False)
        if shown.legend:
            handles, labels = axes[-1].get_legend_handles_labels()
            legend = axes[-1].legend(
                handles,
                labels,
                loc="center left",
                bbox_to_anchor=(1.02, 0.5),
                fontsize=7,
                frameon=False,
                markerscale=1.3,
            )
            for text in legend.get_texts():
                text.set_parse_math(False)
    figure.suptitle(styles.fold_title(title, width), fontsize=9, parse_math=False)
    saving.save_figure(figure, paths, dpi=150)


def _draw_dots(axis: object, space: Space, factor: Factor, shown: Shown, size: float) -> None:
    places = np.array([shown.classes.get(int(value), -1) for value in factor.values])
    # Grey first, so that they lie below; later classes above.
    for place in range(-1, len(shown.classes)):
        dots = space.positions[places == place]
        if not len(dots):
            continue
        label = shown.legend[place] if place >= 0 or shown.others else None
        axis.scatter(  # type: ignore[attr-defined]  # matplotlib is untyped here
            dots[:, 0],
            dots[:, 1],
            s=size,
            c=shown.color_of(place),
            marker=shape_of(place),
            edgecolors=shown.edge,
            linewidths=0.4,
            alpha=0.85,
            label=label,
        )


def shape_of(place: int) -> str:
    """Return matplotlib's marker of a place of :class:`Shown`: the second round of colours has other shapes."""
    return "o" if place < 0 else ("o", "^", "s")[place // len(styles.COLORS)]
