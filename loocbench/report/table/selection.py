"""Which stored rows a report shows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from loocbench.editions import unify_editions
from loocbench.errors import unknown
from loocbench.types import Row


@dataclass(frozen=True)
class Selection:
    """Filters of rows: patterns with * and ?, case-insensitive; an empty tuple selects everything.

    models: fit a model's label or a checkpoint's name. metrics: shown in place of each task's own.
    """

    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    backbones: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()


def matches(patterns: Sequence[str], *names: str) -> bool:
    """Whether a name fits a pattern; True if there are no patterns."""
    return not patterns or any(_fits(pattern, name) for pattern in patterns for name in names)


def select_rows(rows: Sequence[Row], selection: Selection) -> list[Row]:
    """The rows that fit. Raises UserError, with the names that exist, for a pattern that fits no row."""
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


def select_reported(rows: Sequence[Row], chosen: Selection) -> list[Row]:
    """The rows that a report shows: those that fit and are newest, with copies of the data told apart by their note.

    Raises UserError as :func:`select_rows` does.
    """
    return separate_copies(select_newest(select_rows(rows, chosen), among=rows))


def select_newest(rows: Sequence[Row], *, among: Sequence[Row] = ()) -> list[Row]:
    """The rows of the newest version of each task and the newest weights of each checkpoint name.

    The newest weights are looked up in ``among`` (default: the rows themselves) across all tasks, since old weights
    beside new ones would count as a second pretraining seed.
    """
    versions: dict[str, int] = {}
    for row in rows:
        versions[row.task] = max(row.task_version, versions.get(row.task, 0))
    newest: dict[str, Row] = {}
    for row in among or rows:
        if row.checkpoint not in newest or _age_key(newest[row.checkpoint]) < _age_key(row):
            newest[row.checkpoint] = row
    return [
        row
        for row in rows
        if row.task_version == versions[row.task] and row.checkpoint_hash == newest[row.checkpoint].checkpoint_hash
    ]


def _age_key(row: Row) -> tuple[int, str]:
    """Rows of newer weights have larger ones, also where the clock was set back in between."""
    return row.checkpoint_number, row.created


def separate_copies(rows: Sequence[Row]) -> list[Row]:
    """The rows; if those of one task and note were measured on different images, the notes name the images.

    So each copy of the data has its own column, curves and averages.
    """
    canonical = unify_editions(row.edition for row in rows)
    hashes = [_images_hash(row, canonical[row.edition]) for row in rows]
    images: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row, hashed in zip(rows, hashes, strict=True):
        images[row.task, row.dataset_note].add(hashed)
    return [
        row.model_copy(update={"dataset_note": ", ".join(filter(None, [row.dataset_note, f"images {hashed}"]))})
        if len(images[row.task, row.dataset_note]) > 1
        else row
        for row, hashed in zip(rows, hashes, strict=True)
    ]


def _images_hash(row: Row, edition: str) -> str:
    """Short hash of all splits' fingerprints and the edition of their pixels."""
    text = "\n".join([*(f"{name}\t{value}" for name, value in sorted(row.fingerprints.items())), edition])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _fits(pattern: str, name: str) -> bool:
    pattern, name = pattern.casefold(), name.casefold()
    return pattern == name or fnmatchcase(name, pattern)  # features and models hold brackets, so names come first
