"""Sensitivity matrices: the feature spaces of a model by image changes, for each of three metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loocbench.cards.tasks import TaskCard
from loocbench.report.table.averages import average_rows
from loocbench.report.table.experiments import Experiment, input_identity, training_identity
from loocbench.types import Row

MATRIX_METRICS = {  # metric -> title, lowest and highest value of its colours
    "equivariance": ("can the change be told? R², or accuracy (chance in brackets)", 0.0, 1.0),
    "invariance": ("do the features stay? cosine", 0.0, 1.0),
    "top1_loss": ("top-1 lost under the change", 0.0, 0.5),
}


@dataclass(frozen=True)
class Matrix:
    """A model's sensitivity on one task.

    rows: one per feature space, means over pretraining seeds. changes: names of the image changes, the columns.
    """

    title: str
    model: str
    trained_on: str
    rows: tuple[Row, ...]
    changes: tuple[str, ...]


def build_matrices(experiments: Sequence[Experiment], cards: Mapping[str, TaskCard]) -> list[Matrix]:
    """A matrix per model, sensitivity task and copy of its data; tasks whose card is gone are left out."""
    groups: dict[tuple[str, str, str, str], list[tuple[Experiment, Row]]] = defaultdict(list)
    for one in experiments:
        tasks: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in one.rows:
            if row.task in cards and cards[row.task].task_kind.change_metrics:
                tasks[row.task, row.dataset_note].append(row)
        for (task, note), rows in tasks.items():
            identity = f"{training_identity(rows[0])}\t{input_identity(one.rows)}"
            groups[task, note, one.model, identity].append((one, average_rows(rows)))
    found = []
    for (task, note, model, _), members in groups.items():
        widest = max((one for one, _ in members), key=lambda one: one.seeds)
        rows = [_label_seeds(row, one.seeds, widest.seeds) for one, row in members]
        metrics = cards[task].task_kind.change_metrics
        changes = [
            name for name in cards[task].protocol.changes if all(f"{name}_{metrics[0]}" in row.metrics for row in rows)
        ]
        if changes:
            title = f"{cards[task].title} [{note}]" if note else cards[task].title
            trained_on = f"{widest.trained_on}, {widest.seeds} seeds" if widest.seeds > 1 else widest.trained_on
            found.append(Matrix(title, model, trained_on, tuple(rows), tuple(changes)))
    return found


def _label_seeds(row: Row, seeds: int, most: int) -> Row:
    """The row; if it is a mean over fewer pretraining seeds than others of the matrix, its features say so."""
    if seeds == most:
        return row
    return row.model_copy(update={"features": f"{row.features} ({seeds} {'seed' if seeds == 1 else 'seeds'})"})
