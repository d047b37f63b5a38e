"""Panels of curves: accuracy over shots, over the strength of an image change, over a hyper-parameter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from loocbench.cards.tasks import TaskCard
from loocbench.changes.ranges import CORRUPTION, RANGES
from loocbench.report.table.averages import CURVE_VALUES, average_experiments
from loocbench.report.table.cells import Line
from loocbench.report.table.columns import Column
from loocbench.report.table.experiments import Experiment

MAX_SERIES = 12  # per panel; more cannot be told apart
_LOGARITHMIC = ("lambda", "learning_rate", "neighbours")
_Y_LABELS = {
    "val_top1": "top-1 on validation images",
    "kept": "own copy nearer than the changed one",
    "first": "own copy nearest of all",
    "top1": "top-1",
    "invariance": "cosine to the unchanged image",
}


@dataclass(frozen=True)
class Series:
    """One curve. points: (x, y, low, high), sorted by x; low and high equal y if no interval is known."""

    name: str
    points: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Panel:
    """One set of axes with its curves.

    group: heading of the data set. x, y: axis labels; the values of y are fractions of 1. left_out: number of series
    beyond ``MAX_SERIES``. chance: the level of a random ranking, if the rows state it.
    """

    group: str
    title: str
    x: str
    y: str
    logarithmic: bool
    series: tuple[Series, ...]
    left_out: int = 0
    chance: float | None = None


def few_shot_panels(columns: Sequence[Column], cards: Mapping[str, TaskCard], lines: Sequence[Line]) -> list[Panel]:
    """Accuracy over shots: a panel per data set and protocol that was measured at two or more numbers of shots."""
    groups: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for position, column in enumerate(columns):
        card = cards.get(column.task)
        settings = card.protocol.model_dump() if card else {}
        if shots := settings.get("shots"):
            ways = settings.get("ways")
            kind = f"{ways}-way episodes" if ways else ", ".join(filter(None, ["all classes", settings.get("solver")]))
            note = f" [{column.note}]" if column.note else ""
            groups[column.group.split(",")[0] + note, kind].append((shots, position))
    panels = []
    for (group, kind), shot_columns in groups.items():
        if len({shots for shots, _ in shot_columns}) < 2:
            continue
        series = []
        for name, line in zip(legend_names(lines), lines, strict=True):
            cells = [(shots, line.cells[position]) for shots, position in sorted(shot_columns)]
            points = tuple(
                (float(shots), cell.value, cell.value - cell.half_width, cell.value + cell.half_width)
                for shots, cell in cells
                if cell
            )
            if points:
                series.append(Series(name, points))
        panels.append(_limited_panel(group, f"Few-shot, {kind}", "images a class", "top-1", True, series))
    return panels


def curve_panels(
    columns: Sequence[Column], cards: Mapping[str, TaskCard], experiments: Sequence[Experiment]
) -> list[Panel]:
    """The rows' curves: a panel per task, copy of its data, and quantity that was varied."""
    panels = []
    first_columns: dict[tuple[str, str], Column] = {}
    for column in columns:
        first_columns.setdefault((column.task, column.note), column)
    for (task, note), column in first_columns.items():
        chosen = [one for one in experiments if any((row.task, row.dataset_note) == (task, note) for row in one.rows)]
        rows = average_experiments(chosen, task, note)
        names = _distinct_names([(one.name, one.trained_on) for one in chosen])
        varied = dict.fromkeys(key for row in rows for point in row.curve for key in point if key not in CURVE_VALUES)
        title = (cards[task].title if task in cards else task) + (f" [{note}]" if note else "")
        for x in varied:
            y = next(
                (key for row in rows for point in row.curve if x in point for key in CURVE_VALUES if key in point), ""
            )
            series = []
            for name, row in zip(names, rows, strict=True):
                points = sorted((point[x], point[y]) for point in row.curve if x in point and y in point)
                if len(points) > 1:
                    series.append(Series(name, tuple((place, value, value, value) for place, value in points)))
            if series:
                panel = _limited_panel(column.group, title, _x_label(x), _Y_LABELS[y], x in _LOGARITHMIC, series)
                panels.append(replace(panel, chance=rows[0].scale.get("random", {}).get(f"{x}_{y}")))
    return panels


def legend_names(lines: Sequence[Line]) -> list[str]:
    """Distinct names of lines for a legend."""
    return _distinct_names([(f"{line.model}, {line.features}", line.trained_on) for line in lines])


def _distinct_names(pairs: Sequence[tuple[str, str]]) -> list[str]:
    short = [name for name, _ in pairs]
    return [f"{name}, {more}" if short.count(name) > 1 else name for name, more in pairs]


def _x_label(key: str) -> str:
    name = key.removeprefix(CORRUPTION).replace("_", " ")
    found = RANGES.get(key) or RANGES.get(CORRUPTION + key)
    return f"{name}, {found.unit}" if found and found.unit else name


def _limited_panel(group: str, title: str, x: str, y: str, logarithmic: bool, series: Sequence[Series]) -> Panel:
    left_out = max(0, len(series) - MAX_SERIES)
    return Panel(group, title, x, y, logarithmic, tuple(series[:MAX_SERIES]), left_out)
