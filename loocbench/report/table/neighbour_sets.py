"""The neighbours that rows of retrieval keep, of several models and spaces on the same queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loocbench.evaluators.kept_neighbours import KeptNeighbours, read_neighbours
from loocbench.report.table.cells import Line
from loocbench.report.table.experiments import Experiment
from loocbench.types import Row


@dataclass(frozen=True)
class SpaceNeighbours:
    """The neighbours in one space of one model. model: with what tells it apart. seeds: how many it was measured on, of
    which the first one is shown."""

    model: str
    features: str
    seeds: int
    row: Row
    kept: KeptNeighbours


@dataclass(frozen=True)
class NeighbourSet:
    """The neighbours of the same queries in all spaces that were measured on one task.

    note: which copy of the data. missing: the measured rows that keep no neighbours of these queries.
    """

    task: str
    note: str
    spaces: tuple[SpaceNeighbours, ...]
    missing: tuple[Row, ...]


def collect_neighbours(lines: Sequence[Line], experiments: Sequence[Experiment]) -> list[NeighbourSet]:
    """Return a set for each task of retrieval and copy of its data.

    experiments: of the lines, in the same order. Of several pretraining seeds the first one with neighbours is shown.
    """
    found: dict[tuple[str, str], list[tuple[Line, list[Row]]]] = defaultdict(list)
    for line, experiment in zip(lines, experiments, strict=True):
        own: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in experiment.rows:
            if row.task.partition("/")[0] == "retrieval":
                own[row.task, row.dataset_note].append(row)
        for place, rows in own.items():
            found[place].append((line, sorted(rows, key=lambda row: (row.pretraining_seed or 0, row.seed))))
    return [
        _collect_set(task, note, members) for (task, note), members in sorted(found.items(), key=lambda one: one[0])
    ]


def _collect_set(task: str, note: str, members: Sequence[tuple[Line, Sequence[Row]]]) -> NeighbourSet:
    spaces: list[SpaceNeighbours] = []
    missing: list[Row] = []
    for line, rows in members:
        read = [(row, kept) for row in rows if (kept := read_neighbours(row.items))]
        fitting = [one for one in read if not spaces or _has_same_queries(one[1], spaces[0].kept)]
        if fitting:
            row, kept = fitting[0]
            spaces.append(SpaceNeighbours(line.title, line.features, len(rows), row, kept))
        else:
            missing.append(rows[0])
    return NeighbourSet(task, note, tuple(spaces), tuple(missing))


def _has_same_queries(one: KeptNeighbours, other: KeptNeighbours) -> bool:
    return one.nearest.shape == other.nearest.shape and bool(np.array_equal(one.queries, other.queries))
