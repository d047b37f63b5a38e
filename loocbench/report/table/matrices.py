"""Sensitivity as matrices: the spaces of one model by changes, for each of the three answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loocbench.cards.tasks import TaskCard
from loocbench.report.table.averages import mean_row
from loocbench.report.table.experiments import Experiment, training
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
    """A matrix for each model, sensitivity task and copy of its data; of a card that is gone there is none."""
    groups: dict[tuple[str, str, str, str], list[tuple[Experiment, Row]]] = defaultdict(list)
    for one in experiments:
        tasks: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in one.rows:
            if row.task in cards and cards[row.task].evaluator == "sensitivity":
                tasks[row.task, row.dataset_note].append(row)
        for (task, note), rows in tasks.items():
            groups[task, note, one.model, training(rows[0])].append((one, mean_row(rows)))
    found = []
    for (task, note, model, _), members in groups.items():
        widest = max((one for one, _ in members), key=lambda one: one.seeds)
        rows = [_labelled(row, one.seeds, widest.seeds) for one, row in members]
        changes = [
            name for name in cards[task].protocol.changes if all(f"{name}_invariance" in row.metrics for row in rows)
        ]
        if changes:
            title = f"{cards[task].title} [{note}]" if note else cards[task].title
            found.append(Matrix(title, model, widest.trained_on, tuple(rows), tuple(changes)))
    return found


def _labelled(row: Row, seeds: int, most: int) -> Row:
    """Its features say where fewer pretraining seeds are behind them than behind others of the matrix."""
    if seeds == most:
        return row
    return row.model_copy(update={"features": f"{row.features} ({seeds} {'seed' if seeds == 1 else 'seeds'})"})
