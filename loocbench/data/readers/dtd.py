"""The Describable Textures Dataset (Cimpoi et al. 2014)."""

from __future__ import annotations

from pathlib import Path

from loocbench.data import folders
from loocbench.data.splits import by_membership, of_strings
from loocbench.errors import UserError
from loocbench.types import Dataset, Split

PARTITION = 1  # of ten; the usual one, and torchvision's default


def dtd(root: Path) -> Dataset:
    """Read ``dtd/`` (images/, labels/) or torchvision's ``dtd/dtd/``: the official splits of partition 1."""
    base = root / "dtd" if (root / "dtd" / "labels").is_dir() else root
    there = set(folders.files_below(base / "images"))
    found = []
    for name in ("train", "val", "test"):
        listing = base / "labels" / f"{name}{PARTITION}.txt"
        items = folders.read_lines(listing)
        folders.require_inside(items, listing)
        found += [(name, item) for item in items if item in there]
    of = [name for name, _ in found]
    if missing := {"train", "val", "test"} - set(of):
        raise UserError(f"{base / 'images'} lacks every image of the {min(missing)} split; unpack the archive there.")
    labels, class_names = of_strings([item.split("/")[0] for _, item in found])
    everything = Split("dtd", "all", tuple(item for _, item in found), {"class": labels}, {"class": class_names})
    return folders.dataset("dtd", base / "images", by_membership(everything, of, ("train", "val", "test")))
