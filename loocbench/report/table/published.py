"""Figures of papers: apart from the measured ones, and compared with them only where that is fair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loocbench.cards.tasks import Published, TaskCard
from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.columns import Column
from loocbench.report.table.experiments import Experiment, evaluated


def lines(
    columns: Sequence[Column],
    cards: Mapping[str, TaskCard],
    experiments: Sequence[Experiment],
    measured: Sequence[Line],
) -> list[Line]:
    """A line for each model and source. experiments and measured belong together, place by place.

    Of a task with several columns the figures stand in that of the official copy, if there is one, and only once. A
    cell has the difference of the measured figure where the entry's protocol and the task's version are the card's, the
    data are the official copy, and one experiment alone was pretrained by this model's method and measured on the
    features that the method is evaluated on.
    """
    found: dict[tuple[str, str], dict[int, Cell]] = {}
    for position, column in _once(columns):
        card = cards.get(column.task)
        for entry in card.published if card else ():
            if column.metric in entry.metrics:
                ours = _ours(entry, column, position, experiments, measured)
                cell = _cell(entry, column, ours if card and column.version == card.version else None)
                found.setdefault((entry.model, entry.source), {})[position] = cell
    return [
        Line(model, "", source, tuple(cells.get(position) for position in range(len(columns))))
        for (model, source), cells in found.items()
    ]


def _once(columns: Sequence[Column]) -> list[tuple[int, Column]]:
    """A place for each task and metric."""
    places: dict[tuple[str, str], tuple[int, Column]] = {}
    for place, column in sorted(enumerate(columns), key=lambda pair: bool(pair[1].note)):
        places.setdefault((column.task, column.metric), (place, column))
    return sorted(places.values(), key=lambda pair: pair[0])


def _cell(entry: Published, column: Column, ours: Cell | None) -> Cell:
    value, half = entry.metrics[column.metric], entry.spread.get(column.metric)
    return Cell(value, spread=half, difference=ours.value - value if ours else None)


def _ours(
    entry: Published, column: Column, position: int, experiments: Sequence[Experiment], measured: Sequence[Line]
) -> Cell | None:
    if not entry.same_protocol or column.note:
        return None
    cells = [
        cell
        for one, line in zip(experiments, measured, strict=True)
        if one.family  # not only a name
        and (one.model, one.features) == (entry.model, evaluated(one.family))
        and (cell := line.cells[position])
    ]
    return cells[0] if len(cells) == 1 else None
