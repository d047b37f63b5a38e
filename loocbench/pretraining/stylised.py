"""Stylised copies of a data set's images: a folder in which each copy has its image's own path."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from loocbench.data import folders
from loocbench.errors import UserError
from loocbench.types import Dataset, Recipe


def dataset_of(recipe: Recipe, dataset: Dataset, folder: Path | None) -> Dataset | None:
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
    return folders.dataset(name, folder, {"train": replace(train, dataset=name)})
