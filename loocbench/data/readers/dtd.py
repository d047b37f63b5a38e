"""The Describable Textures Dataset (Cimpoi et al. 2014)."""

from __future__ import annotations

from pathlib import Path

from loocbench.data import folders
from loocbench.data.entry import MB, DatasetSource, Download, Entry
from loocbench.data.official import Official, list_train_val_test
from loocbench.data.splits import encode_labels, split_by_membership
from loocbench.errors import UserError
from loocbench.types import Dataset, Split

PARTITION = 1  # of ten; the usual one, and torchvision's default
_VGG = "https://www.robots.ox.ac.uk/~vgg/data/dtd"


def read_dtd(root: Path) -> Dataset:
    """Read ``dtd/`` (images/, labels/) or torchvision's ``dtd/dtd/``: the official splits of partition 1."""
    base = root / "dtd" if (root / "dtd" / "labels").is_dir() else root
    there = set(folders.list_images(base / "images"))
    found = []
    for name in ("train", "val", "test"):
        listing = base / "labels" / f"{name}{PARTITION}.txt"
        items = folders.read_lines(listing)
        folders.require_inside(items, listing)
        found += [(name, item) for item in items if item in there]
    membership = [name for name, _ in found]
    if missing := {"train", "val", "test"} - set(membership):
        raise UserError(f"{base / 'images'} lacks every image of the {min(missing)} split; unpack the archive there.")
    labels, class_names = encode_labels([item.split("/")[0] for _, item in found])
    everything = Split("dtd", "all", tuple(item for _, item in found), {"class": labels}, {"class": class_names})
    splits = split_by_membership(everything, membership, ("train", "val", "test"))
    return folders.open_image_files("dtd", base / "images", splits)


ENTRY = Entry(
    name="dtd",
    short="Describable Textures",
    title="Describable Textures",
    folders=("dtd",),
    read=read_dtd,
    official=Official(list_train_val_test(1_880, 1_880, 1_880), classes=47, mean_bytes=110_000),
    source=DatasetSource(
        f"{_VGG}/",
        licence="research",
        downloads=(
            Download(
                "dtd-r1.0.1.tar.gz",
                (f"{_VGG}/download/dtd-r1.0.1.tar.gz",),
                625 * MB,
                "md5",
                "fff73e5086ae6bdbea199a49dfb8a4c1",
                unpacked=650 * MB,
                gives="dtd",
            ),
        ),
    ),
)
