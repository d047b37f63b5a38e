"""Oxford Flowers-102 in its official layout (Nilsback and Zisserman 2008)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import loadmat

from loocbench.data import folders
from loocbench.errors import UserError
from loocbench.types import Dataset, Split

FOLDER = "flowers-102"
OFFICIAL_IMAGES = 8_189
SPLITS = {"train": "trnid", "val": "valid", "test": "tstid"}


def flowers102(data_dir: Path) -> Dataset:
    """Read ``data_dir/flowers-102`` (jpg/, imagelabels.mat, setid.mat) with its official train, val and test splits.

    The layout of torchvision's ``Flowers102``. Labels 1 .. 102 become 0 .. 101. Raises UserError when the folder is
    not Flowers-102.
    """
    root = data_dir / FOLDER
    try:
        labels = loadmat(root / "imagelabels.mat")["labels"].ravel().astype(np.int64) - 1
        ids = {name: loadmat(root / "setid.mat")[key].ravel().astype(int) for name, key in SPLITS.items()}
        if max(map(max, ids.values())) > len(labels) or min(map(min, ids.values())) < 1 or min(labels) < 0:
            raise ValueError("the two files do not fit each other")
    except Exception as error:  # scipy's reader raises almost anything on a damaged file
        raise UserError(
            f"cannot read imagelabels.mat and setid.mat in {root}; put the official files there, the images in jpg/."
        ) from error
    splits = {}
    for name, numbers in ids.items():
        present = [number for number in numbers if (root / "jpg" / f"image_{number:05d}.jpg").is_file()]
        splits[name] = Split(
            dataset="flowers102",
            name=name,
            items=tuple(f"image_{number:05d}.jpg" for number in present),
            labels={"class": labels[np.asarray(present, dtype=np.int64) - 1]},
            class_names={"class": tuple(str(label) for label in range(1, 103))},
        )
    return Dataset(
        name="flowers102",
        splits=splits,
        read=folders.reader(root / "jpg"),
        content=folders.content(root / "jpg"),
        edition=folders.edition(root / "jpg", splits),
        note=folders.subset_note(sum(len(split) for split in splits.values()), OFFICIAL_IMAGES),
    )
