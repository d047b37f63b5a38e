"""Oxford Flowers-102 in its official layout (Nilsback and Zisserman 2008)."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from loocbench.data import folders
from loocbench.errors import UserError
from loocbench.types import Dataset, Split

SPLITS = {"train": "trnid", "val": "valid", "test": "tstid"}


def flowers102(root: Path) -> Dataset:
    """Read ``flowers-102/`` (jpg/, imagelabels.mat, setid.mat) with its official train, val and test splits.

    The layout and the lists of torchvision's ``Flowers102``. Labels 1 .. 102 become 0 .. 101; their names, which the
    archive lacks, are those of its web page. Raises UserError when the folder is not Flowers-102.
    """
    try:
        labels = loadmat(root / "imagelabels.mat")["labels"].ravel().astype(np.int64) - 1
        ids = {name: loadmat(root / "setid.mat")[key].ravel().astype(int) for name, key in SPLITS.items()}
        if max(map(max, ids.values())) > len(labels) or min(map(min, ids.values())) < 1 or min(labels) < 0:
            raise ValueError("the two files do not fit each other")
    except Exception as error:  # scipy's reader raises almost anything on a damaged file
        raise UserError(
            f"cannot read imagelabels.mat and setid.mat in {root}; put the official files there, the images in jpg/."
        ) from error
    listing = resources.files("loocbench.data.readers") / "lists" / "flowers102.txt"
    names = tuple(listing.read_text(encoding="utf-8").splitlines())
    there = set(folders.files_below(root / "jpg"))
    splits = {}
    for name, numbers in ids.items():
        present = [number for number in numbers if f"image_{number:05d}.jpg" in there]
        splits[name] = Split(
            dataset="flowers102",
            name=name,
            items=tuple(f"image_{number:05d}.jpg" for number in present),
            labels={"class": labels[np.asarray(present, dtype=np.int64) - 1]},
            class_names={"class": names},
        )
    return folders.dataset("flowers102", root / "jpg", splits)
