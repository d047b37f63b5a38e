"""Task kinds, one per module: the settings of its cards, its evaluation, and how tables show it."""

from __future__ import annotations

from typing import Any

from loocbench.errors import unknown
from loocbench.evaluators.task_kind import TaskKind
from loocbench.lazy_table import LazyTable

# The only list of the kinds, in the order of tables' columns. Importing a kind imports neither torch nor scikit-learn:
# cards and tables need its settings and metric names alone.
KINDS: LazyTable[TaskKind[Any]] = LazyTable(
    {
        "linear": "loocbench.evaluators.linear:KIND",
        "knn": "loocbench.evaluators.knn:KIND",
        "few-shot": "loocbench.evaluators.few_shot:KIND",
        "episodes": "loocbench.evaluators.episodes:KIND",
        "rotation": "loocbench.evaluators.rotation:KIND",
        "retrieval": "loocbench.evaluators.retrieval:KIND",
        "controlled": "loocbench.evaluators.controlled:KIND",
        "robustness": "loocbench.evaluators.robustness:KIND",
        "sensitivity": "loocbench.evaluators.sensitivity:KIND",
        "spectrum": "loocbench.evaluators.spectrum:KIND",
    }
)


def get_kind(name: str) -> TaskKind[Any]:
    """Return the task kind called ``name``. Raises UserError with the names that exist."""
    if name not in KINDS:
        raise unknown("task kind", name, KINDS)
    return KINDS[name]


def measures_shares(task: str) -> bool:
    """Return whether the metrics of a task are fractions of 1, which tables show in per cent; so of unknown kinds."""
    kind = task.partition("/")[0]
    return kind not in KINDS or KINDS[kind].unit == "share"
