"""Cars by their colour: a folder a colour."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from loocbench.data.readers import image_folder
from loocbench.types import Dataset


def car_colors(root: Path) -> Dataset:
    """Read ``car-colors/``: a folder of images whose folders are the label ``color``. Raises UserError."""
    dataset = image_folder.image_folder(root, "car-colors")
    splits = {
        name: replace(split, labels={"color": split.labels["class"]}, class_names={"color": split.class_names["class"]})
        for name, split in dataset.splits.items()
    }
    return replace(dataset, splits=splits)
