"""Sensitivity as matrices: the spaces of one model by changes, for each of the three answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loocbench.cards.tasks import TaskCard
from loocbench.report.averages import mean_row
from loocbench.report.experiments import Experiment
from loocbench.types import Row


@dataclass(frozen=True)
class Matrix:
    """Of one model on one task. rows: one a space, means over pretraining seeds. changes: the columns."""

    title: str
    model: str
    trained_on: str
    rows: tuple[Row, ...]
    changes: tuple[str, ...]


def matrices(experiments: Sequence[Experiment], cards: Mapping[str, TaskCard]) -> list[Matrix]:
    """A matrix for each model and sensitivity task; of a card that is no longer shipped there is none."""
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for one in experiments:
        tasks: dict[str, list[Row]] = defaultdict(list)
        for row in one.rows:
            if row.task in cards and cards[row.task].evaluator == "sensitivity":
                tasks[row.task].append(row)
        for task, rows in tasks.items():
            groups[task, one.model, one.trained_on].append(mean_row(rows))
    found = []
    for (task, model, trained_on), rows in groups.items():
        changes = [
            name for name in cards[task].protocol.changes if all(f"{name}_invariance" in row.metrics for row in rows)
        ]
        if changes:
            found.append(Matrix(cards[task].title, model, trained_on, tuple(rows), tuple(changes)))
    return found
