"""The comparison table, independent of how it is shown: experiments as lines, tasks and metrics as columns.

Figures are as stored, fractions of 1.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from scipy.special import stdtrit  # all of scipy.stats would take longer to import than the table to make

from loocbench.report.table import columns as choosing
from loocbench.report.table import notes, pairs, published, ranking, selection, sorting
from loocbench.report.table.cells import Cell, Cells, Line
from loocbench.report.table.columns import Column
from loocbench.report.table.experiments import Experiment, group
from loocbench.report.table.pairs import Comparison
from loocbench.report.table.selection import Selection
from loocbench.types import Row

Spread = Literal["interval", "sd"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Table:
    """Measured lines; lines of the scale (a random ranking, the best possible one); published lines, which are never
    mixed with them; the paired tests that were asked for; what a reader must know."""

    columns: tuple[Column, ...]
    measured: tuple[Line, ...]
    scale: tuple[Line, ...] = ()
    published: tuple[Line, ...] = ()
    tests: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()

    def filled(self, lines: Sequence[Line]) -> list[int]:
        """Positions of the columns in which one of the lines has a cell."""
        return [position for position in range(len(self.columns)) if any(line.cells[position] for line in lines)]


@dataclass(frozen=True)
class Options:
    """What a table is made of. spread: whether ± is half the 95 % interval, or the standard deviation over seeds.

    sort: "model", the order of the paper's tables, or TASK or TASK:METRIC, the best first. against: the line that all
    others are tested against; every_pair: all against all.
    """

    chosen: Selection = field(default_factory=Selection)
    every_metric: bool = False
    spread: Spread = "interval"
    sort: str = "model"
    reverse: bool = False
    against: str = ""
    every_pair: bool = False


def build(rows: Sequence[Row], options: Options | None = None) -> Table:
    """The table of some rows; see :class:`Options`.

    Of several versions of a task only the newest is shown, and of a checkpoint that was trained again only the newest
    weights; other images than the rest of a column's have a column of their own. Over several pretraining seeds a cell
    is their mean with Student's interval; of one it has the interval over test items. Raises UserError for a filter, a
    sorting or a line that fits nothing.
    """
    options = options or Options()
    wanted = selection.select(rows, options.chosen)
    current = selection.shown(rows, options.chosen)
    known = choosing.cards(current)
    columns = choosing.choose(current, known, every_metric=options.every_metric, metrics=options.chosen.metrics)
    experiments = group(current)
    sorted_rows = [_by_column(experiment) for experiment in experiments]
    lines = [
        Line(one.model, one.features, one.trained_on, _cells(one, by_column, columns, options.spread), one.family)
        for one, by_column in zip(experiments, sorted_rows, strict=True)
    ]
    tests = pairs.tests(experiments, columns, against=options.against, every_pair=options.every_pair)
    lines = _marked(ranking.ranked(lines, columns), experiments, columns, tests, options.against)
    order = sorting.order(lines, columns, key=options.sort, reverse=options.reverse)
    return Table(
        tuple(columns),
        tuple(lines[place] for place in order),
        tuple(_scale(current, columns)),
        tuple(published.lines(columns, known, experiments, lines)),
        tuple(tests),
        tuple(
            notes.of(
                current,
                columns,
                chosen=options.chosen,
                spread=options.spread,
                superseded=len(wanted) - len(current),
                tests=tests,
            )
        ),
    )


def _by_column(experiment: Experiment) -> Mapping[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in experiment.rows:
        found[row.task, row.dataset_note].append(row)
    return found


def _cells(
    experiment: Experiment, by_column: Mapping[tuple[str, str], list[Row]], columns: Sequence[Column], spread: Spread
) -> Cells:
    """The experiment's cells; those of fewer seeds than its line says are marked."""
    found = [_cell(by_column.get((column.task, column.note), []), column.metric, spread) for column in columns]
    return tuple(cell and replace(cell, fewer=cell.seeds < experiment.seeds) for cell in found)


def _cell(rows: Sequence[Row], metric: str, spread: Spread) -> Cell | None:
    """Of one experiment and task: first the mean of each checkpoint's measurements, then that over checkpoints."""
    units: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if metric in row.metrics:
            units[row.checkpoint_hash].append(row)
    if not units:
        return None
    n = min(row.metrics[metric].n for unit in units.values() for row in unit)
    means = np.array([np.mean([row.metrics[metric].value for row in unit]) for unit in units.values()])
    if len(units) == 1:
        (unit,) = units.values()
        low, high = (float(np.mean([getattr(row.metrics[metric], side) for row in unit])) for side in ("low", "high"))
        cell = Cell(float(means[0]), low, high, seeds=1, n=n)
        return replace(cell, spread=cell.half)
    value, sd = float(means.mean()), float(means.std(ddof=1))
    half = float(stdtrit(len(means) - 1, (1 + CONFIDENCE) / 2)) * sd / len(means) ** 0.5
    return Cell(value, value - half, value + half, sd, sd if spread == "sd" else half, len(means), n)


def _marked(
    lines: Sequence[Line],
    experiments: Sequence[Experiment],
    columns: Sequence[Column],
    tests: Sequence[Comparison],
    against: str,
) -> list[Line]:
    """The lines with ↑ and ↓ where a test against the line that was asked about is significant."""
    if not against:
        return list(lines)
    found = {(id(test.first), test.column): test.marker for test in tests if test.marker}
    out = []
    for line, experiment in zip(lines, experiments, strict=True):
        cells = tuple(
            cell and replace(cell, marker=found.get((id(experiment), column), ""))
            for cell, column in zip(line.cells, columns, strict=True)
        )
        out.append(replace(line, cells=cells))
    return out


_SCALE = {"random": "Random ranking", "oracle": "Best possible ranking"}


def _scale(rows: Sequence[Row], columns: Sequence[Column]) -> list[Line]:
    """What the rows say of their metrics' scale; it depends on the labels alone, so any row of a column will do."""
    places: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in rows:
        for kind, values in row.scale.items():
            for metric, value in values.items():
                places.setdefault((row.task, row.dataset_note, metric), {}).setdefault(kind, value)
    kinds = dict.fromkeys(kind for values in places.values() for kind in values)
    lines = []
    for kind in kinds:
        found = [places.get((column.task, column.note, column.metric), {}).get(kind) for column in columns]
        cells = tuple(None if value is None else Cell(value) for value in found)
        if any(cells):
            lines.append(Line(_SCALE.get(kind, kind), "", "", cells))
    return lines
