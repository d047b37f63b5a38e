"""Oxford Flowers-102 in its official layout (Nilsback and Zisserman 2008)."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from loocbench.data import folders, foreground
from loocbench.data.splits import by_membership, compact
from loocbench.errors import UserError
from loocbench.types import Dataset, Mask, Pixels, Split

_JPEG_SLACK = 40
SPLITS = {"train": "trnid", "val": "valid", "test": "tstid"}


def flowers102(root: Path) -> Dataset:
    """Read ``flowers-102/`` (jpg/, imagelabels.mat, setid.mat) with its official train, val and test splits.

    The layout and the lists of torchvision's ``Flowers102``. Labels 1 .. 102 become 0 .. 101; their names, which the
    archive lacks, are those of its web page. Raises UserError when the folder is not Flowers-102.
    """
    try:
        labels = loadmat(root / "imagelabels.mat")["labels"].ravel().astype(np.int64) - 1
        ids = {name: loadmat(root / "setid.mat")[key].ravel().astype(int) for name, key in SPLITS.items()}
        if (
            max(map(max, ids.values())) > len(labels)
            or min(map(min, ids.values())) < 1
            or not 0 <= min(labels) <= max(labels) < 102
        ):
            raise ValueError("the two files do not fit each other")
    except Exception as error:  # scipy's reader raises almost anything on a damaged file
        raise UserError(
            f"cannot read imagelabels.mat and setid.mat in {root}; put the official files there, the images in jpg/."
        ) from error
    there = set(folders.files_below(root / "jpg"))
    found = [
        (name, f"image_{number:05d}.jpg", labels[number - 1])
        for name, numbers in ids.items()
        for number in numbers
        if f"image_{number:05d}.jpg" in there
    ]
    if missing := set(SPLITS) - {name for name, _, _ in found}:
        raise UserError(f"{root / 'jpg'} lacks every image of the {min(missing)} split; unpack the archive there.")
    compacted, names = compact([label for _, _, label in found], dict(enumerate(class_names())))
    everything = Split("flowers102", "all", tuple(item for _, item, _ in found), {"class": compacted}, {"class": names})
    splits = by_membership(everything, [name for name, _, _ in found], tuple(SPLITS))
    dataset = folders.dataset("flowers102", root / "jpg", splits)
    if not (root / "segmim").is_dir():
        return dataset
    masks = foreground.segmented(lambda item: root / "segmim" / item.replace("image_", "segmim_"), _is_flower)
    return replace(dataset, foreground=masks)


def _is_flower(pixels: Pixels) -> Mask:
    """The official segmentations paint what is no flower blue (0, 0, 254); JPEG blurs that a little."""
    away = np.abs(pixels.astype(np.int64) - np.array([0, 0, 254])).max(axis=2)
    return away > _JPEG_SLACK


def class_names() -> tuple[str, ...]:
    """The 102 flowers, in the order of the labels."""
    listing = resources.files("loocbench.data.readers") / "lists" / "flowers102.txt"
    return tuple(listing.read_text(encoding="utf-8").splitlines())
