"""ImageNet-100: the 100 classes of CMC (Tian et al. 2019).

A class is named "wnid name" here, in ImageNet-C and in ObjectNet, so that a classifier fitted on this data set can be
tested on the others.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from loocbench.data import folders
from loocbench.data.entry import DatasetSource, Entry
from loocbench.data.official import Official, list_train_and_test
from loocbench.data.splits import carve_validation, compact_labels, split_by_membership
from loocbench.errors import UserError
from loocbench.types import Dataset, Split

IMAGENET_TERMS = ("non-commercial", "research and education, as ImageNet's own terms say")  # licence, terms


def read_imagenet100_classes() -> dict[str, str]:
    """The 100 classes: wnid -> "wnid name", sorted by wnid."""
    listing = resources.files("loocbench.data.readers") / "lists" / "imagenet100.csv"
    rows = csv.DictReader(listing.read_text(encoding="utf-8").splitlines())
    return {row["wnid"]: f"{row['wnid']} {row['name']}" for row in rows}


def read_imagenet100(root: Path) -> Dataset:
    """Read an ImageNet folder: ``train/`` and ``val/`` with one folder per class, or Kaggle's ``ILSVRC/Data/CLS-LOC/``,
    whose val is flat and has its classes in ``LOC_val_solution.csv``. Raises UserError.

    The official val is ``test`` here (the test labels were never published); val is carved from train.
    """
    base = root / "ILSVRC" / "Data" / "CLS-LOC" if (root / "ILSVRC").is_dir() else root
    names = read_imagenet100_classes()
    found = [
        (split, f"{folder}/{wnid}/{item}", wnid)
        for split, folder in (("train", "train"), ("test", "val"))
        for wnid in names
        for item in folders.list_images(base / folder / wnid)
    ]
    found += _list_flat_val(root, base, names)
    membership = [split for split, _, _ in found]
    if missing := {"train", "test"} - set(membership):
        folder = base / ("train" if "train" in missing else "val")
        raise UserError(
            f"{folder} has no folder of ImageNet-100's classes ({next(iter(names))} …); sort the images so."
        )
    everything = make_imagenet_split(
        "imagenet100", [item for _, item, _ in found], [wnid for _, _, wnid in found], names
    )
    official = split_by_membership(everything, membership, ("train", "test"))
    splits = {**carve_validation(official["train"], "class"), "test": official["test"]}
    return folders.open_image_files("imagenet100", base, splits)


def _list_flat_val(root: Path, base: Path, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Kaggle's validation images as (split, item, wnid); a table beside ``ILSVRC/`` gives their classes."""
    table = root / "LOC_val_solution.csv"
    if not table.is_file():
        return []
    classes_of = {
        fields[0]: fields[1].split()[0]
        for fields in csv.reader(folders.read_lines(table))
        if len(fields) == 2 and fields[1].strip()
    }
    return [
        ("test", f"val/{item}", classes_of[Path(item).stem])
        for item in folders.list_images(base / "val")
        if "/" not in item and classes_of.get(Path(item).stem) in names
    ]


def make_imagenet_split(
    dataset: str, items: Sequence[str], wnids: Sequence[str], names: Mapping[str, str], name: str = "all"
) -> Split:
    """The split of ``items`` with the label ``class``; names: the result of :func:`read_imagenet100_classes`."""
    order = {wnid: number for number, wnid in enumerate(names)}
    labels, class_names = compact_labels([order[wnid] for wnid in wnids], dict(enumerate(names.values())))
    return Split(dataset, name, tuple(items), {"class": labels}, {"class": class_names})


ENTRY = Entry(
    name="imagenet100",
    short="ImageNet-100",
    title="ImageNet-100: the 100 classes of CMC",
    folders=("imagenet",),
    read=read_imagenet100,
    official=Official(list_train_and_test(126_689, 5_000, test_name="val"), classes=100, mean_bytes=110_000),
    source=DatasetSource(
        "https://image-net.org/download.php",
        *IMAGENET_TERMS,
        by_hand="put ImageNet's train/ and val/, each with one folder per class (n01558993/ …), into imagenet/",
    ),
)
