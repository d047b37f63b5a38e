"""The task of a stored row, whoever wrote its card: shipped ones are found, a user's own is restored from its row."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from loocbench.cards import finding
from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import KINDS
from loocbench.types import Row


def load_tasks_of_rows(rows: Iterable[Row]) -> dict[str, TaskCard]:
    """Return the task of each name in some rows. Missing are those that are no longer shipped and of unknown kinds."""
    newest: dict[str, Row] = {}
    for row in rows:
        if row.task not in newest or row.task_version >= newest[row.task].task_version:
            newest[row.task] = row
    named = {task: finding.find_task_of_row(task, row.dataset) or restore_task(row) for task, row in newest.items()}
    return {task: card for task, card in named.items() if card}


def restore_task(row: Row) -> TaskCard | None:
    """Return the task of a row from what the row records of it.

    None for one without a title (rows of schemas before 4), and for one whose kind is not known or has other settings.
    """
    kind = row.task.partition("/")[0]
    if not row.title or row.measured_with is None or kind not in KINDS:
        return None
    settings = {name: value for name, value in row.measured_with.protocol.items() if name != "kind_code"}
    try:
        return TaskCard(
            task=row.task,
            version=row.task_version,
            title=row.title,
            kind=kind,
            dataset=row.dataset,
            labels=row.measured_with.labels,
            protocol=settings,
        )
    except (ValidationError, ValueError):
        return None
