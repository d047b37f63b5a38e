"""Figures of papers: apart from the measured ones, and compared with them only where that is fair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loocbench.cards.tasks import Published, TaskCard
from loocbench.report.cells import Cell, Line
from loocbench.report.columns import Column
from loocbench.report.experiments import Experiment

_CONCATENATED = ("moco++", "looc++")


def lines(
    columns: Sequence[Column],
    cards: Mapping[str, TaskCard],
    experiments: Sequence[Experiment],
    measured: Sequence[Line],
) -> list[Line]:
    """A line for each model and source. experiments and measured belong together, place by place.

    A cell has the difference of the measured figure where the entry's protocol is the card's, the data are the official
    copy, and one experiment alone is this model on the features that its method is evaluated on.
    """
    found: dict[tuple[str, str], dict[int, Cell]] = {}
    for position, column in enumerate(columns):
        for entry in cards[column.task].published if column.task in cards else ():
            if column.metric in entry.metrics:
                ours = _ours(entry, column, position, experiments, measured)
                cell = _cell(entry, column, ours)
                found.setdefault((entry.model, entry.source), {})[position] = cell
    return [
        Line(model, "", source, tuple(cells.get(position) for position in range(len(columns))))
        for (model, source), cells in found.items()
    ]


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
        if one.model == entry.model and one.features == _evaluated(one) and (cell := line.cells[position])
    ]
    return cells[0] if len(cells) == 1 else None


def _evaluated(experiment: Experiment) -> str:
    """The features that the method is evaluated on in the paper."""
    return "looc++" if experiment.family in _CONCATENATED else "looc"
