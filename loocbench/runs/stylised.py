"""Stylised copies of a data set's images: a folder in which each copy has its image's own path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from loocbench.data import folders
from loocbench.data.prepared import PreparedImages
from loocbench.errors import UserError
from loocbench.types import Dataset, Recipe, Split


def open_stylised(recipe: Recipe, dataset: Dataset, folder: Path | None) -> Dataset | None:
    """The copies as a data set of the same items, if the recipe uses them.

    Raises UserError when the folder is not given, not wanted, or lacks a copy of a training image.
    """
    wanted = recipe.texture == "stylised"
    if not wanted and folder is None:
        return None
    if not wanted or folder is None:
        raise UserError("--texture stylised and --stylised FOLDER belong together; give both, with --augment texture.")
    if "train" not in dataset.splits:
        return None  # refused later, by its name
    train = dataset.splits["train"]
    if lost := next((item for item in train.items if not (folder / item).is_file()), None):
        raise UserError(f"{folder} has no stylised copy of {lost}; make one under that path.")
    name = f"{dataset.name}-stylised"
    return folders.open_image_files(name, folder, {"train": replace(train, dataset=name)})


def require_pairs(images: PreparedImages, copies: PreparedImages, split: Split) -> None:
    """Raise UserError unless each stylised copy has its image's size."""
    rows = np.arange(len(images))
    if len(copies) != len(images):
        raise UserError(f"there are {len(copies):,} stylised copies of {len(images):,} images; make one of each.")
    unequal = np.flatnonzero((images.sizes(rows) != copies.sizes(rows)).any(axis=1))
    if len(unequal):
        raise UserError(f"the stylised copy of {split.items[unequal[0]]} has other proportions; make it of equal size.")
