"""Splits: selecting and joining them, and carving one out of another where the data set ships none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from loocbench.types import Labels, Split

VALIDATION_SHARE = 0.2


def select_rows(split: Split, rows: npt.NDArray[np.int64], name: str) -> Split:
    """The split ``name`` that holds ``rows`` of ``split``, in that order."""
    return replace(
        split,
        name=name,
        items=tuple(split.items[row] for row in rows),
        labels={factor: values[rows] for factor, values in split.labels.items()},
    )


def join_splits(first: Split, second: Split, name: str) -> Split:
    """The split ``name`` that holds the items of both; they must have the same labels."""
    return replace(
        first,
        name=name,
        items=(*first.items, *second.items),
        labels={factor: np.concatenate([values, second.labels[factor]]) for factor, values in first.labels.items()},
    )


def split_by_membership(everything: Split, membership: Sequence[str], names: Sequence[str]) -> dict[str, Split]:
    """Divide ``everything`` into the splits ``names``; membership: each item's split. Empty ones are left out."""
    member = np.asarray(membership, dtype=object)
    return {
        name: select_rows(everything, np.flatnonzero(member == name), name) for name in names if (member == name).any()
    }


def carve_split(split: Split, by: str, *, share: float, name: str, seed: int = 0) -> tuple[Split, Split]:
    """Divide a split at random into the rest and a part ``name`` with ``share`` of each class of the label ``by``.

    At least one image of each class is on both sides, and rows keep their order. The image of a class that has only one
    stays in the rest, so the part may be empty.
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
    return select_rows(split, np.flatnonzero(~chosen), split.name), select_rows(split, np.flatnonzero(chosen), name)


def draw_per_class(split: Split, by: str, train: int, test: int = 0, *, seed: int = 0) -> tuple[Split, Split]:
    """Draw "train" with ``train`` images of each class of label ``by``, and "test" with ``test`` others (0: all).

    Of a class that has not more than ``train`` images, one is kept for test. Rows keep their order.
    """
    labels = split.labels[by]
    generator = np.random.default_rng(seed)
    parts: dict[str, list[int]] = {"train": [], "test": []}
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        count = min(train, max(1, len(rows) - 1))
        parts["train"].extend(rows[:count])
        parts["test"].extend(rows[count : count + test if test else None])
    drawn = {name: np.array(sorted(rows), dtype=np.int64) for name, rows in parts.items()}
    return select_rows(split, drawn["train"], "train"), select_rows(split, drawn["test"], "test")


def carve_validation(split: Split, by: str, *, seed: int = 0) -> Mapping[str, Split]:
    """Divide the official train split into "train" and "val", which gets a fifth of each class of label ``by``."""
    train, val = carve_split(split, by, share=VALIDATION_SHARE, name="val", seed=seed)
    return {"train": train, "val": val}


def compact_labels(labels: Sequence[int], names: Mapping[int, str]) -> tuple[Labels, tuple[str, ...]]:
    """Map integer labels to 0 .. K-1, in the order of the integers. Returns the labels and the K class names."""
    values, compacted = np.unique(np.asarray(labels, dtype=np.int64), return_inverse=True)
    return compacted.astype(np.int64), tuple(names[int(value)] for value in values)


def encode_labels(labels: Sequence[str]) -> tuple[Labels, tuple[str, ...]]:
    """Map string labels to 0 .. K-1, in the order of the strings. Returns the labels and the K class names."""
    values, encoded = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    return encoded.astype(np.int64), tuple(str(value) for value in values)
