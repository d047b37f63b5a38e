"""Splits: making, selecting, and carving one out of another where the data set ships none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from loocbench.types import Labels, Split

VALIDATION_SHARE = 0.2


def select(split: Split, rows: npt.NDArray[np.int64], name: str) -> Split:
    """The split made of ``rows`` of another."""
    return replace(
        split,
        name=name,
        items=tuple(split.items[row] for row in rows),
        labels={factor: values[rows] for factor, values in split.labels.items()},
    )


def join(first: Split, second: Split, name: str) -> Split:
    """The split made of two others of the same labels."""
    return replace(
        first,
        name=name,
        items=(*first.items, *second.items),
        labels={factor: np.concatenate([values, second.labels[factor]]) for factor, values in first.labels.items()},
    )


def by_membership(everything: Split, membership: Sequence[str], names: Sequence[str]) -> dict[str, Split]:
    """The splits ``names`` of ``everything``; membership: each item's split. An absent split is left out."""
    of = np.asarray(membership, dtype=object)
    return {name: select(everything, np.flatnonzero(of == name), name) for name in names if (of == name).any()}


def carve(split: Split, by: str, *, share: float, name: str, seed: int = 0) -> tuple[Split, Split]:
    """What stays of a split, and the part ``name`` that is carved out of it: ``share`` of each class of factor ``by``.

    Seeded; at least one image of each class on both sides, rows keep their order. A class of a single image stays, so
    the part may be empty.
    """
    labels = split.labels[by]
    generator = np.random.default_rng(seed)
    held_out: list[int] = []
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        if len(rows) > 1:
            held_out.extend(rows[: max(1, round(len(rows) * share))])
    chosen = np.zeros(len(split), dtype=bool)
    chosen[held_out] = True
    return select(split, np.flatnonzero(~chosen), split.name), select(split, np.flatnonzero(chosen), name)


def carve_validation(split: Split, by: str, *, seed: int = 0) -> Mapping[str, Split]:
    """Split "train" into "train" and "val": a fifth of each class."""
    train, val = carve(split, by, share=VALIDATION_SHARE, name="val", seed=seed)
    return {"train": train, "val": val}


def compact(labels: Sequence[int], names: Mapping[int, str]) -> tuple[Labels, tuple[str, ...]]:
    """Labels of any integers as 0 .. K-1, and the K names in the order of the original integers."""
    values, compacted = np.unique(np.asarray(labels, dtype=np.int64), return_inverse=True)
    return compacted.astype(np.int64), tuple(names[int(value)] for value in values)


def of_strings(labels: Sequence[str]) -> tuple[Labels, tuple[str, ...]]:
    """Labels of any strings as 0 .. K-1, and the K strings in their order."""
    values, compacted = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    return compacted.astype(np.int64), tuple(str(value) for value in values)
