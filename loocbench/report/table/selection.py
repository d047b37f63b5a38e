"""Which of a store's rows a report is about."""

from __future__ import annotations

import hashlib
from collections import defaultdict
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


def shown(rows: Sequence[Row], chosen: Selection) -> list[Row]:
    """The rows that a report of a selection is made of: what fits, is current, and told apart by images.

    Raises UserError as :func:`select` does.
    """
    return told_apart(current(select(rows, chosen), among=rows))


def current(rows: Sequence[Row], *, among: Sequence[Row] = ()) -> list[Row]:
    """The newest version of each task, and of a checkpoint that was trained again under its name the newest weights.

    Which weights are the newest all of ``among`` say (the rows themselves, if it is empty), whatever they measured: old
    weights beside new ones would be a second seed.
    """
    versions: dict[str, int] = {}
    for row in rows:
        versions[row.task] = max(row.task_version, versions.get(row.task, 0))
    newest: dict[str, Row] = {}
    for row in among or rows:
        if row.checkpoint not in newest or newest[row.checkpoint].created < row.created:
            newest[row.checkpoint] = row
    return [
        row
        for row in rows
        if row.task_version == versions[row.task] and row.checkpoint_hash == newest[row.checkpoint].checkpoint_hash
    ]


def told_apart(rows: Sequence[Row]) -> list[Row]:
    """The same rows; where those of one task have the same note but other images, the note names the images.

    So they have columns, curves and averages of their own. What images are called depends on them alone.
    """
    images: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        images[row.task, row.dataset_note].add(_images(row))
    return [
        row.model_copy(update={"dataset_note": ", ".join(filter(None, [row.dataset_note, f"images {_images(row)}"]))})
        if len(images[row.task, row.dataset_note]) > 1
        else row
        for row in rows
    ]


def _images(row: Row) -> str:
    """A short name of all splits and the edition of their pixels."""
    said = "\n".join([*(f"{name}\t{value}" for name, value in sorted(row.fingerprints.items())), row.edition])
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def _fits(pattern: str, name: str) -> bool:
    pattern, name = pattern.casefold(), name.casefold()
    return pattern == name or fnmatchcase(name, pattern)  # features and models hold brackets, so names come first
