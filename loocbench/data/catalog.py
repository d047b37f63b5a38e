"""Which data sets there are, and where their files are looked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from loocbench.data import blooms, cub, flowers
from loocbench.errors import UserError, unknown
from loocbench.types import Dataset

READERS: dict[str, tuple[str, Callable[[Path], Dataset]]] = {
    "cub200": (cub.FOLDER, cub.cub200),
    "flowers102": (flowers.FOLDER, flowers.flowers102),
}


# The labels of each data set, the main one first.
LABELS: dict[str, tuple[str, ...]] = {
    "blooms": ("species", "color", "texture"),
    "cub200": ("class",),
    "flowers102": ("class",),
}


def names() -> list[str]:
    """The data sets that can be named."""
    return list(LABELS)


def default_data_dir() -> Path:
    """``$LOOCBENCH_DATA``, else the user's cache folder."""
    return Path(os.environ.get("LOOCBENCH_DATA") or platformdirs.user_cache_path("loocbench") / "data")


def open_dataset(name: str, data_dir: Path | None = None) -> Dataset:
    """The data set ``name``, its files below ``data_dir``. Raises UserError when it is unknown, absent or broken."""
    if name == "blooms":
        return blooms.blooms()
    if name not in READERS:
        raise unknown("data set", name, names())
    folder, reader = READERS[name]
    root = data_dir or default_data_dir()
    if not (root / folder).is_dir():
        raise UserError(
            f"no {name} in {root}: put the data set's folder {folder}/ there, or name its parent with --data-dir."
        )
    dataset = reader(root)
    for split in dataset.splits.values():
        if not len(split):
            raise UserError(f"{root / folder} lacks every image of the {split.name} split; unpack the archive there.")
    return dataset
