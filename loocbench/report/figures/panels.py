"""The curves of a report: accuracy over shots, over the strength of a change, over a hyper-parameter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from loocbench.cards.tasks import TaskCard
from loocbench.changes.ranges import CORRUPTION, RANGES
from loocbench.report.table.averages import MEASURED, mean_rows
from loocbench.report.table.cells import Line
from loocbench.report.table.columns import Column
from loocbench.report.table.experiments import Experiment

MOST = 12  # lines of a panel; more cannot be told apart
_LOGARITHMIC = ("lambda", "learning_rate", "neighbours")
_MEANINGS = {
    "val_top1": "top-1 on validation images",
    "kept": "own copy nearer than the changed one",
    "first": "own copy nearest of all",
    "top1": "top-1",
    "invariance": "cosine to the unchanged image",
}


@dataclass(frozen=True)
class Series:
    """points: (x, y, low, high) in the order of x; low and high are y where no interval is known."""

    name: str
    points: tuple[tuple[float, float, float, float], ...]


@dataclass(frozen=True)
class Panel:
    """One set of axes; y is a fraction of 1. left_out: series beyond the most that are shown. chance: the level of a
    random ranking, where the rows say it."""

    group: str
    title: str
    x: str
    y: str
    logarithmic: bool
    series: tuple[Series, ...]
    left_out: int = 0
    chance: float | None = None


def few_shot(columns: Sequence[Column], cards: Mapping[str, TaskCard], lines: Sequence[Line]) -> list[Panel]:
    """Accuracy over shots, for each data set and protocol that was measured at two numbers of shots or more."""
    groups: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for position, column in enumerate(columns):
        card = cards.get(column.task)
        if card and card.protocol.shots:
            kind = (
                f"{card.protocol.ways}-way episodes" if card.protocol.ways else f"all classes, {card.protocol.solver}"
            )
            note = f" [{column.note}]" if column.note else ""
            groups[column.group.split(",")[0] + note, kind].append((card.protocol.shots, position))
    panels = []
    for (group, kind), places in groups.items():
        if len({shots for shots, _ in places}) < 2:
            continue
        series = []
        for name, line in zip(names(lines), lines, strict=True):
            cells = [(shots, line.cells[position]) for shots, position in sorted(places)]
            points = tuple(
                (float(shots), cell.value, cell.value - cell.half, cell.value + cell.half)
                for shots, cell in cells
                if cell
            )
            if points:
                series.append(Series(name, points))
        panels.append(_panel(group, f"Few-shot, {kind}", "images a class", "top-1", True, series))
    return panels


def curves(columns: Sequence[Column], cards: Mapping[str, TaskCard], experiments: Sequence[Experiment]) -> list[Panel]:
    """What rows hold as curves: a panel for each task, copy of its data, and thing that was varied."""
    panels = []
    columns_of: dict[tuple[str, str], Column] = {}
    for one in columns:
        columns_of.setdefault((one.task, one.note), one)
    for (task, note), column in columns_of.items():
        chosen = [one for one in experiments if any((row.task, row.dataset_note) == (task, note) for row in one.rows)]
        rows = mean_rows(chosen, task, note)
        labels = _told_apart([(one.name, one.trained_on) for one in chosen])
        varied = dict.fromkeys(key for row in rows for point in row.curve for key in point if key not in MEASURED)
        title = (cards[task].title if task in cards else task) + (f" [{note}]" if note else "")
        for x in varied:
            y = next((key for row in rows for point in row.curve if x in point for key in MEASURED if key in point), "")
            series = []
            for name, row in zip(labels, rows, strict=True):
                points = sorted((point[x], point[y]) for point in row.curve if x in point and y in point)
                if len(points) > 1:
                    series.append(Series(name, tuple((place, value, value, value) for place, value in points)))
            if series:
                name = x.removeprefix(CORRUPTION).replace("_", " ")
                panel = _panel(column.group, title, _axis(x, name), _MEANINGS[y], x in _LOGARITHMIC, series)
                panels.append(replace(panel, chance=rows[0].scale.get("random", {}).get(f"{x}_{y}")))
    return panels


def names(lines: Sequence[Line]) -> list[str]:
    """What lines are called in a legend: no two alike."""
    return _told_apart([(f"{line.model}, {line.features}", line.trained_on) for line in lines])


def _told_apart(pairs: Sequence[tuple[str, str]]) -> list[str]:
    short = [name for name, _ in pairs]
    return [f"{name}, {more}" if short.count(name) > 1 else name for name, more in pairs]


def _axis(key: str, name: str) -> str:
    found = RANGES.get(key) or RANGES.get(CORRUPTION + key)
    return f"{name}, {found.unit}" if found and found.unit else name


def _panel(group: str, title: str, x: str, y: str, logarithmic: bool, series: Sequence[Series]) -> Panel:
    return Panel(group, title, x, y, logarithmic, tuple(series[:MOST]), max(0, len(series) - MOST))
