"""Which of a store's rows a report is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from loocbench.errors import unknown
from loocbench.types import Row


@dataclass(frozen=True)
class Selection:
    """Names that rows must have; patterns with * and ?, whose case does not matter; an empty tuple takes all.

    models: a label, or a checkpoint's name. metrics: in place of those that tasks show by themselves.
    """

    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


def matches(patterns: Sequence[str], *names: str) -> bool:
    """Whether one of the names fits one of the patterns, or there is none."""
    return not patterns or any(_fits(pattern, name) for pattern in patterns for name in names)


def select(rows: Sequence[Row], selection: Selection) -> list[Row]:
    """The rows that fit. Raises UserError, with the names that exist, for a pattern that fits no row at all."""
    kinds: list[tuple[str, tuple[str, ...], Callable[[Row], tuple[str, ...]]]] = [
        ("model", selection.models, lambda row: (row.model, row.checkpoint)),
        ("task", selection.tasks, lambda row: (row.task,)),
        ("data set", selection.datasets, lambda row: (row.dataset,)),
        ("features", selection.features, lambda row: (row.features,)),
        ("backbone", selection.backbones, lambda row: (row.backbone,)),
        ("metric", selection.metrics, lambda row: tuple(row.metrics)),
    ]
    for kind, patterns, names in kinds:
        if patterns:
            known = dict.fromkeys(name for row in rows for name in names(row))
            for pattern in patterns:
                if not any(_fits(pattern, name) for name in known):
                    raise unknown(f"{kind} in these results", pattern, sorted(known))
    return [row for row in rows if all(matches(patterns, *names(row)) for _, patterns, names in kinds)]


def current(rows: Sequence[Row]) -> list[Row]:
    """The newest version of each task, and of a checkpoint that was trained again under its name the newest weights."""
    versions: dict[str, int] = {}
    for row in rows:
        versions[row.task] = max(row.task_version, versions.get(row.task, 0))
    newest: dict[tuple[str, ...], Row] = {}
    shown = [row for row in rows if row.task_version == versions[row.task]]
    for row in shown:
        place = _place(row)
        if place not in newest or newest[place].created < row.created:
            newest[place] = row
    return [row for row in shown if row.checkpoint_hash == newest[_place(row)].checkpoint_hash]


def _place(row: Row) -> tuple[str, ...]:
    return row.checkpoint, row.task, row.dataset_note, row.features


def _fits(pattern: str, name: str) -> bool:
    pattern, name = pattern.casefold(), name.casefold()
    return pattern == name or fnmatchcase(name, pattern)  # features and models hold brackets, so names come first
