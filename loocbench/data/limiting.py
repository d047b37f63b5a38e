"""At most so many images of each split, for a quick look: stratified by class, the same ones for every model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from loocbench.data.digests import FileEdition
from loocbench.data.splits import select_rows
from loocbench.types import Dataset, Split

SEED = 0  # of the choice: rows of one limit are comparable, whatever the seeds of models and measurements


def choose_rows(split: Split, most: int, *, seed: int = SEED) -> npt.NDArray[np.int64]:
    """Return at most ``most`` row indices of a split, ascending, each class of its first label in proportion.

    Every class has an image as long as there are so many; of more classes than images some are drawn, the same ones in
    every split of the same classes. Rows of a larger limit contain those of a smaller one.
    """
    count = len(split)
    if count <= most:
        return np.arange(count)
    labels = next(iter(split.labels.values()), np.zeros(count, dtype=np.int64))
    generator = np.random.default_rng(seed)
    order = generator.permutation(int(labels.max()) + 1)  # of the classes, hence drawn before anything of the split
    priority = np.empty(count)
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        priority[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
        priority[rows[0]] = -1 - order[label]  # one of each class stands before all others
    return np.sort(np.argsort(priority, kind="stable")[:most])


def limit_dataset(dataset: Dataset, most: int) -> Dataset:
    """Return a data set with at most ``most`` images of each split, which its note says; 0: the data set itself."""
    if not most or all(len(split) <= most for split in dataset.splits.values()):
        return dataset
    splits = {name: select_rows(split, choose_rows(split, most), name) for name, split in dataset.splits.items()}
    edition = dataset.edition
    if isinstance(edition, FileEdition):  # of these files alone: a quick look does not read the others
        edition = replace(edition, splits=splits)
    note = ", ".join(filter(None, [dataset.note, f"at most {most:,} images a split"]))
    return replace(dataset, splits=splits, note=note, edition=edition)
