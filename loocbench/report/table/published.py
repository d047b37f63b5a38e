"""Published figures: apart from the measured ones, and compared with them only where that is fair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loocbench.cards.datasets import Published
from loocbench.cards.tasks import TaskCard
from loocbench.pretraining.methods import evaluated_features
from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.columns import Column
from loocbench.report.table.experiments import Experiment


def published_lines(
    columns: Sequence[Column],
    cards: Mapping[str, TaskCard],
    experiments: Sequence[Experiment],
    measured: Sequence[Line],
) -> list[Line]:
    """A line per published model and source.

    measured: the lines of ``experiments``, in the same order. If a task has several columns (copies of its data), its
    published figures stand once, in the column of the official copy if there is one. A cell has a ``difference`` if the
    published protocol and the task's version are the card's, the data are the official copy, and exactly one experiment
    was pretrained with this model's method and measured on the features on which the method is evaluated.
    """
    found: dict[tuple[str, str], dict[int, Cell]] = {}
    for position, column in _one_column_per_metric(columns):
        card = cards.get(column.task)
        for entry in card.published if card else ():
            if column.metric in entry.metrics:
                ours = _comparable_cell(entry, column, position, experiments, measured)
                cell = _cell(entry, column, ours if card and column.version == card.version else None)
                found.setdefault((entry.model, entry.source), {})[position] = cell
    return [
        Line(model, "", source, tuple(cells.get(position) for position in range(len(columns))))
        for (model, source), cells in found.items()
    ]


def _one_column_per_metric(columns: Sequence[Column]) -> list[tuple[int, Column]]:
    """One column, with its position, per task and metric: the official copy's if there is one."""
    places: dict[tuple[str, str], tuple[int, Column]] = {}
    for place, column in sorted(enumerate(columns), key=lambda pair: bool(pair[1].note)):
        places.setdefault((column.task, column.metric), (place, column))
    return sorted(places.values(), key=lambda pair: pair[0])


def _cell(entry: Published, column: Column, ours: Cell | None) -> Cell:
    value, half = entry.metrics[column.metric], entry.spread.get(column.metric)
    return Cell(value, spread=half, difference=ours.value - value if ours else None)


def _comparable_cell(
    entry: Published, column: Column, position: int, experiments: Sequence[Experiment], measured: Sequence[Line]
) -> Cell | None:
    if not entry.same_protocol or column.note:
        return None
    cells = [
        cell
        for one, line in zip(experiments, measured, strict=True)
        if one.family  # pretrained here; a name alone does not say by which method
        and (one.model, one.features) == (entry.model, evaluated_features(one.family))
        and (cell := line.cells[position])
    ]
    return cells[0] if len(cells) == 1 else None
