"""CUB-200-2011 in its official layout (Wah et al. 2011)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loocbench.data import folders
from loocbench.data.splits import carve_validation, compact, select
from loocbench.errors import UserError
from loocbench.types import Dataset, Split

FOLDER = "CUB_200_2011"
OFFICIAL_IMAGES = 11_788


def cub200(data_dir: Path) -> Dataset:
    """Read ``data_dir/CUB_200_2011``. The official train split is carved into train and val; test is the official one.

    Images whose file is absent are left out and the copy is named a subset. Raises UserError when the folder is not
    CUB-200-2011.
    """
    root = data_dir / FOLDER
    names = dict(folders.read_table(root / "classes.txt", 2))
    paths = dict(folders.read_table(root / "images.txt", 2))
    classes = dict(folders.read_table(root / "image_class_labels.txt", 2))
    training = dict(folders.read_table(root / "train_test_split.txt", 2))
    if not (paths.keys() == classes.keys() == training.keys()):
        raise UserError(f"the lists in {root} name different images; unpack the archive again.")
    if strange := {key for key in {*classes.values(), *names} if key not in names or not key.isdecimal()}:
        raise UserError(f"'{min(strange)}' is no class of {root / 'classes.txt'}; unpack the archive again.")
    present = [key for key, path in paths.items() if (root / "images" / path).is_file()]
    if not present:
        raise UserError(f"{root / 'images'} holds none of the {len(paths):,} images; unpack the archive there.")
    labels, class_names = compact(
        [int(classes[key]) for key in present], {int(key): name for key, name in names.items()}
    )
    everything = Split(
        dataset="cub200",
        name="all",
        items=tuple(paths[key] for key in present),
        labels={"class": labels},
        class_names={"class": class_names},
    )
    is_training = np.array([training[key] == "1" for key in present])
    train = select(everything, np.flatnonzero(is_training), "train")
    test = select(everything, np.flatnonzero(~is_training), "test")
    splits = {**carve_validation(train, "class"), "test": test}
    return Dataset(
        name="cub200",
        splits=splits,
        read=folders.reader(root / "images"),
        content=folders.content(root / "images"),
        edition=folders.edition(root / "images", splits),
        note=folders.subset_note(len(present), OFFICIAL_IMAGES),
    )
