"""Oxford Flowers-102 in its official layout (Nilsback and Zisserman 2008)."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

import numpy as np

from loocbench.data import folders, foreground
from loocbench.data.entry import MB, DatasetSource, Download, Entry
from loocbench.data.official import Official, list_train_val_test
from loocbench.data.splits import compact_labels, split_by_membership
from loocbench.errors import UserError
from loocbench.types import Dataset, Mask, Pixels, Split

_JPEG_SLACK = 40
SPLITS = {"train": "trnid", "val": "valid", "test": "tstid"}  # names of the lists in setid.mat
_VGG = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102"
_THOR = "https://thor.robots.ox.ac.uk/datasets/flowers-102"


def read_flowers102(root: Path) -> Dataset:
    """Read ``flowers-102/`` (jpg/, imagelabels.mat, setid.mat) with its official train, val and test splits.

    Layout and lists are those of torchvision's ``Flowers102``. Labels 1 .. 102 become 0 .. 101; their names, which the
    archive lacks, are those of its web page. Raises UserError when the folder is not Flowers-102.
    """
    from scipy.io import loadmat  # takes longer than a list of data sets

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
    there = set(folders.list_images(root / "jpg"))
    found = [
        (name, f"image_{number:05d}.jpg", labels[number - 1])
        for name, numbers in ids.items()
        for number in numbers
        if f"image_{number:05d}.jpg" in there
    ]
    if missing := set(SPLITS) - {name for name, _, _ in found}:
        raise UserError(f"{root / 'jpg'} lacks every image of the {min(missing)} split; unpack the archive there.")
    labels_found = [label for _, _, label in found]
    compacted, names = compact_labels(labels_found, dict(enumerate(read_flower_names())))
    everything = Split("flowers102", "all", tuple(item for _, item, _ in found), {"class": compacted}, {"class": names})
    splits = split_by_membership(everything, [name for name, _, _ in found], tuple(SPLITS))
    dataset = folders.open_image_files("flowers102", root / "jpg", splits)
    if not (root / "segmim").is_dir():
        return dataset
    masks = foreground.read_masks(lambda item: root / "segmim" / item.replace("image_", "segmim_"), _is_flower)
    return replace(dataset, foreground=masks)


def _is_flower(pixels: Pixels) -> Mask:
    """Mask of the flower: the official segmentations paint the rest blue (0, 0, 254), which JPEG blurs a little."""
    away = np.abs(pixels.astype(np.int64) - np.array([0, 0, 254])).max(axis=2)
    return away > _JPEG_SLACK


def read_flower_names() -> tuple[str, ...]:
    """The names of the 102 flowers, in the order of the labels."""
    listing = resources.files("loocbench.data.readers") / "lists" / "flowers102.txt"
    return tuple(listing.read_text(encoding="utf-8").splitlines())


def _describe_download(file: str, size: int, md5: str, gives: str, unpacked: int = 0) -> Download:
    urls = (f"{_VGG}/{file}", f"{_THOR}/{file}")
    return Download(file, urls, size, "md5", md5, "flowers-102", unpacked, gives=f"flowers-102/{gives}")


ENTRY = Entry(
    name="flowers102",
    short="Flowers-102",
    title="Oxford Flowers-102",
    folders=("flowers-102",),
    read=read_flowers102,
    official=Official(
        list_train_val_test(1_020, 1_020, 6_149),
        classes=102,
        mean_bytes=42_100,
        fingerprints={
            "train": "9eec029e9d8751f683addc26d158edfc53215aa6399ee8aaee7e791003c8b14e",
            "val": "94665c38f533221f6d611c231261950ce07057c7da8be296c667fee66520ce75",
            "test": "d50c786f41a34c7204406991a7129bb3c086536a541443a8b517743a1ba0b7ce",
        },
    ),
    source=DatasetSource(
        f"{_VGG}/",
        licence="not stated",
        terms="the page asks to cite Nilsback and Zisserman 2008",
        downloads=(
            _describe_download("102flowers.tgz", 345 * MB, "52808999861908f626f3c1f4e79d11fa", "jpg", 350 * MB),
            _describe_download("imagelabels.mat", 502, "e0620be6f572b9609742df49c70aed4d", "imagelabels.mat"),
            _describe_download("setid.mat", 14_989, "a5357ecc9cb78c4bef273ce3793fc85c", "setid.mat"),
        ),
    ),
)
