"""Task kinds: one module each, which says what its cards may state, evaluates it, and how tables show it.

``KINDS`` is the only list of them. Importing it imports neither torch nor scikit-learn: cards and tables need no more
than what the kinds say of themselves.
"""

from __future__ import annotations

from typing import Any

from loocbench.errors import unknown
from loocbench.evaluators import (
    controlled,
    episodes,
    few_shot,
    knn,
    linear,
    retrieval,
    robustness,
    rotation,
    sensitivity,
)
from loocbench.evaluators.task_kind import TaskKind

KINDS: dict[str, TaskKind[Any]] = {
    module.KIND.name: module.KIND
    for module in (linear, knn, few_shot, episodes, rotation, retrieval, controlled, robustness, sensitivity)
}
"""The task kinds by name, in the order of tables' columns."""


def get_kind(name: str) -> TaskKind[Any]:
    """Return the task kind called ``name``. Raises UserError with the names that exist."""
    if name not in KINDS:
        raise unknown("task kind", name, KINDS)
    return KINDS[name]
