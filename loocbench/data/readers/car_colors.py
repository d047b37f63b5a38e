"""Cars by their colour: one folder per colour."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from loocbench.data.entry import DatasetSource, Entry
from loocbench.data.official import Official
from loocbench.data.readers import image_folder
from loocbench.types import Dataset


def read_car_colors(root: Path) -> Dataset:
    """Read ``car-colors/``: an image folder whose folders are the label ``color``. Raises UserError."""
    dataset = image_folder.read_image_folder(root, "car-colors")
    splits = {
        name: replace(split, labels={"color": split.labels["class"]}, class_names={"color": split.class_names["class"]})
        for name, split in dataset.splits.items()
    }
    return replace(dataset, splits=splits)


ENTRY = Entry(
    name="car-colors",
    short="Cars by colour",
    title="cars by their colour, one folder per colour",
    labels=("color",),
    folders=("car-colors",),
    read=read_car_colors,
    official=Official(),  # a collection without official lists
    source=DatasetSource(
        "https://github.com/abdul-rehman18/Car-Color-Classifier",
        licence="not stated",
        terms="where its photographs come from is not stated either",
        by_hand="put one folder per colour (black/, red/ …), with photographs of such cars, into car-colors/",
    ),
)
