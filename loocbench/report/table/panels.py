"""Panels of curves: accuracy over shots, over the strength of an image change, over a hyper-parameter."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loocbench.cards.tasks import TaskCard
from loocbench.changes.ranges import CORRUPTION, RANGES
from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.columns import Column
from loocbench.report.table.curve_points import CURVE_VALUES, Point, average_curve, count_points
from loocbench.report.table.experiments import Experiment
from loocbench.types import SELECTED, Row

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
    points: tuple[Point, ...]


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
            points = tuple((float(shots), cell.value, *find_bounds(cell)) for shots, cell in cells if cell)
            if points:
                series.append((line.features, Series(name, points)))
        shown, left_out = _limit_series(series)
        panels.append(Panel(group, f"Few-shot, {kind}", "images a class", "top-1", True, shown, left_out))
    return panels


def curve_panels(
    columns: Sequence[Column], cards: Mapping[str, TaskCard], experiments: Sequence[Experiment]
) -> list[Panel]:
    """The rows' curves: a panel per task, copy of its data, and quantity that was varied."""
    panels = []
    first_columns: dict[tuple[str, str], Column] = {}
    for column in columns:
        first_columns.setdefault((column.task, column.note), column)
    by_task: dict[tuple[str, str], dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for place, one in enumerate(experiments):
        for row in one.rows:
            by_task[row.task, row.dataset_note][place].append(row)
    for (task, note), column in first_columns.items():
        measured = list(by_task[task, note].values())
        names = distinct_names(
            [(experiments[place].name, experiments[place].trained_on) for place in by_task[task, note]]
        )
        rows = [row for own in measured for row in own]
        varied = dict.fromkeys(key for row in rows for point in row.curve for key in point if key not in CURVE_VALUES)
        title = (cards[task].title if task in cards else task) + (f" [{note}]" if note else "")
        for x in varied:
            y = next(
                (key for row in rows for point in row.curve if x in point for key in CURVE_VALUES if key in point), ""
            )
            lines = [(name, own) for name, own in zip(names, measured, strict=True) if count_points(own, x, y) > 1]
            if lines:
                drawn = choose_places([own[0].features for _, own in lines], MAX_SERIES)
                shown = tuple(Series(lines[place][0], average_curve(lines[place][1], x, y)) for place in drawn)
                left_out = len(lines) - len(drawn)
                chance = rows[0].scale.get("random", {}).get(f"{x}_{y}")
                axes = column.group, title, _x_label(x), _Y_LABELS[y], x in _LOGARITHMIC
                panels.append(Panel(*axes, shown, left_out, chance))
    return panels


def legend_names(lines: Sequence[Line]) -> list[str]:
    """Distinct names of lines for a legend."""
    return distinct_names([(f"{line.model}, {line.features}", line.trained_on) for line in lines])


def distinct_names(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Names of (name, what more there is to say) pairs: with the latter where several have the same name."""
    counts = Counter(name for name, _ in pairs)
    return [f"{name}, {more}" if counts[name] > 1 else name for name, more in pairs]


def _x_label(key: str) -> str:
    name = key.removeprefix(CORRUPTION).replace("_", " ")
    found = RANGES.get(key) or RANGES.get(CORRUPTION + key)
    return f"{name}, {found.unit}" if found and found.unit else name


def choose_places(features: Sequence[str], most: int) -> list[int]:
    """Which of many lines are drawn, as sorted places: single spaces are left out first, then validation's choice."""
    ranks = [2 if name.startswith("head:") else int(name == SELECTED) for name in features]
    return sorted(sorted(range(len(features)), key=ranks.__getitem__)[:most])


def describe_left_out(count: int) -> str:
    """Say how many lines a figure lacks, and how to see them."""
    return f"{count} more not drawn; filter by --features or --model"


def _limit_series(series: Sequence[tuple[str, Series]]) -> tuple[tuple[Series, ...], int]:
    """At most ``MAX_SERIES`` of the series, given with their features, and the number of the others."""
    places = choose_places([features for features, _ in series], MAX_SERIES)
    return tuple(series[place][1] for place in places), len(series) - len(places)


def find_bounds(cell: Cell) -> tuple[float, float]:
    """The ends of a cell's interval; its figure twice if there is none."""
    return (cell.value, cell.value) if cell.low is None or cell.high is None else (cell.low, cell.high)
