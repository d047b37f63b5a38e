"""Splits: selecting rows, and carving a validation split where the data set ships none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from loocbench.types import Split

VALIDATION_SHARE = 0.2


def select(split: Split, rows: npt.NDArray[np.int64], name: str) -> Split:
    """The split made of ``rows`` of another."""
    return replace(
        split,
        name=name,
        items=tuple(split.items[row] for row in rows),
        labels={factor: values[rows] for factor, values in split.labels.items()},
    )


def carve_validation(split: Split, by: str, *, seed: int = 0) -> Mapping[str, Split]:
    """Split "train" into "train" and "val": a fifth of each class, at least one image of each class on both sides.

    Stratified by factor ``by`` and seeded; the rows keep their order. A class of a single image stays in train.
    """
    labels = split.labels[by]
    generator = np.random.default_rng(seed)
    held_out: list[int] = []
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        if len(rows) > 1:
            held_out.extend(rows[: max(1, round(len(rows) * VALIDATION_SHARE))])
    chosen = np.zeros(len(split), dtype=bool)
    chosen[held_out] = True
    return {
        "train": select(split, np.flatnonzero(~chosen), "train"),
        "val": select(split, np.flatnonzero(chosen), "val"),
    }


def compact(labels: Sequence[int], names: Mapping[int, str]) -> tuple[npt.NDArray[np.int64], tuple[str, ...]]:
    """Labels of any integers as 0 .. K-1, and the K names in the order of the original integers."""
    values, compacted = np.unique(np.asarray(labels, dtype=np.int64), return_inverse=True)
    return compacted.astype(np.int64), tuple(names[int(value)] for value in values)
