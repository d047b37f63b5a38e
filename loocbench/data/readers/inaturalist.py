"""The iNaturalist competition sets of 2017 to 2019 (Van Horn et al. 2018; github.com/visipedia/inat_comp).

Labels and files agree with torchvision's ``INaturalist``; the splits, which torchvision does not know before 2021, come
from the official annotation files. The competitions' test labels were never published, so their validation split is
``test`` here, and ``val`` is carved from train. The set of 2021, whose splits are folders, is in ``inaturalist_2021``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from loocbench.data import folders
from loocbench.data.entry import GB, MB, DatasetSource, Download, Entry
from loocbench.data.official import Official, Part, list_train_and_test
from loocbench.data.splits import (
    carve_split,
    carve_validation,
    compact_labels,
    encode_labels,
    join_splits,
    split_by_membership,
)
from loocbench.errors import UserError
from loocbench.types import Dataset, Labels, Split

MOVED_SHARE = 0.1
INAT_HOMEPAGE = "https://github.com/visipedia/inat_comp/tree/master"
INAT_TERMS = ("non-commercial", "research and education; the images must not be redistributed")  # licence, terms
_FILES = "https://ml-inat-competition-datasets.s3.amazonaws.com"


def read_inat2017(root: Path) -> Dataset:
    """Read ``train_val_images/`` (or torchvision's ``2017/``), ``train2017.json``, ``val2017.json``."""
    return _read_before_2021("inat2017", root, 2017, ("train_val_images", "2017"))


def read_inat2018(root: Path) -> Dataset:
    """Read ``train_val2018/`` (or torchvision's ``2018/``), ``train2018.json``, ``val2018.json``."""
    return _read_before_2021("inat2018", root, 2018, ("train_val2018", "2018"))


def read_inat2019(root: Path) -> Dataset:
    """Read ``train_val2019/`` (or torchvision's ``2019/``), ``train2019.json``, ``val2019.json``."""
    return _read_before_2021("inat2019", root, 2019, ("train_val2019", "2019"))


def read_inat1k(root: Path) -> Dataset:
    """Read iNaturalist 2019 as LooC's paper used it: a tenth of train, stratified and seeded, is moved to test.

    The paper says that 10 % of train were moved to validation, which is what it reports on. Which images, and whether
    they joined the official 3,030 or replaced them, is unknown: joined is this project's choice, and so is the seed.
    """
    images, splits = _read_official_splits("inat1k", root, 2019, ("train_val2019", "2019"))
    train, moved = carve_split(splits["train"], "class", share=MOVED_SHARE, name="test")
    test = join_splits(moved, splits["test"], "test")
    return folders.open_image_files("inat1k", images, {**carve_validation(train, "class"), "test": test})


def _read_before_2021(name: str, root: Path, year: int, image_folders: Sequence[str]) -> Dataset:
    images, splits = _read_official_splits(name, root, year, image_folders)
    return folders.open_image_files(
        name, images, {**carve_validation(splits["train"], "class"), "test": splits["test"]}
    )


def _read_official_splits(
    name: str, root: Path, year: int, image_folders: Sequence[str]
) -> tuple[Path, dict[str, Split]]:
    """The folder of the images, and the official train and (as test) val splits of the images that are there."""
    images = find_image_folder(root, image_folders)
    listed = {
        split: _read_annotations(root / f"{name}{year}.json") for split, name in (("train", "train"), ("test", "val"))
    }
    there = set(folders.list_images(images))
    present = [
        (split, path, category)
        for split, entries in listed.items()
        for path, category in entries.items()
        if path in there
    ]
    membership = [split for split, _, _ in present]
    if missing := {"train", "test"} - set(membership):
        listing = "train" if "train" in missing else "val"
        raise UserError(f"{images} holds none of the images that {listing}{year}.json lists; unpack the archive there.")
    items = tuple(path for _, path, _ in present)
    labels, class_names = _number_classes(year, items, [category for _, _, category in present])
    everything = Split(name, "all", items, {"class": labels}, {"class": class_names})
    return images, split_by_membership(everything, membership, ("train", "test"))


def _number_classes(year: int, items: Sequence[str], categories: Sequence[int]) -> tuple[Labels, tuple[str, ...]]:
    """Labels 0 .. K-1 in torchvision's order: by folder in 2017, later by the category id."""
    parents = [item.rsplit("/", 1)[0] for item in items]
    if year == 2017:
        return encode_labels(parents)
    return compact_labels(categories, dict(zip(categories, parents, strict=True)))


def _read_annotations(path: Path) -> dict[str, int]:
    """Image path below the images' folder -> category id, from a COCO-style annotation file. Raises UserError."""
    try:
        content = json.loads(path.read_bytes())
        names = {image["id"]: str(image["file_name"]) for image in content["images"]}
        categories = {names[entry["image_id"]]: int(entry["category_id"]) for entry in content["annotations"]}
    except OSError as error:
        raise UserError(
            f"cannot read {path}; unpack the official annotation archive {path.name}.tar.gz there."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is not an annotation file of iNaturalist; unpack the official one again.") from error
    folders.require_inside(categories, path)
    return {name.split("/", 1)[-1]: category for name, category in categories.items()}


def find_image_folder(root: Path, names: Sequence[str]) -> Path:
    """The first of ``names`` that is a folder in ``root``. Raises UserError if none is."""
    for name in names:
        if (root / name).is_dir():
            return root / name
    raise UserError(f"{root} has no folder {names[0]}/; unpack the official archive there.")


def describe_archive(year: int, name: str, size: int, md5: str, folder: str) -> Download:
    """The download of an archive of images that unpacks to ``folder/NAME/``."""
    gives = f"{folder}/{name.removesuffix('.tar.gz')}"
    return Download(name, (f"{_FILES}/{year}/{name}",), size, "md5", md5, into=folder, unpacked=size, gives=gives)


def _describe_source(year: int, images: Download, *, train_md5: str, val_md5: str) -> DatasetSource:
    folder = f"inat{year}"
    annotations = tuple(
        Download(
            f"{split}{year}.json.tar.gz",
            (f"{_FILES}/{year}/{split}{year}.json.tar.gz",),
            26 * MB,
            "md5",
            digest,
            into=folder,
            unpacked=400 * MB,
            gives=f"{folder}/{split}{year}.json",
        )
        for split, digest in (("train", train_md5), ("val", val_md5))
    )
    return DatasetSource(f"{INAT_HOMEPAGE}/{year}", *INAT_TERMS, (images, *annotations))


INAT_2017 = Entry(
    name="inat2017",
    short="iNat 2017",
    title="iNaturalist 2017",
    folders=("inat2017",),
    read=read_inat2017,
    official=Official(list_train_and_test(579_184, 95_986, test_name="val"), classes=5_089, mean_bytes=296_000),
    source=DatasetSource(
        f"{INAT_HOMEPAGE}/2017",
        *INAT_TERMS,
        downloads=(
            describe_archive(2017, "train_val_images.tar.gz", 200 * GB, "7c784ea5e424efaec655bd392f87301f", "inat2017"),
            # no checksum was ever published for this one
            Download(
                "train_val2017.zip",
                (f"{_FILES}/2017/train_val2017.zip",),
                28 * MB,
                into="inat2017",
                unpacked=400 * MB,
                gives="inat2017/train2017.json",
            ),
        ),
    ),
)

INAT_2018 = Entry(
    name="inat2018",
    short="iNat 2018",
    title="iNaturalist 2018",
    folders=("inat2018",),
    read=read_inat2018,
    official=Official(list_train_and_test(437_513, 24_426, test_name="val"), classes=8_142, mean_bytes=279_000),
    source=_describe_source(
        2018,
        describe_archive(2018, "train_val2018.tar.gz", 129 * GB, "b1c6952ce38f31868cc50ea72d066cc3", "inat2018"),
        train_md5="bfa29d89d629cbf04d826a720c0a68b0",
        val_md5="f2ed8bfe3e9901cdefceb4e53cd3775d",
    ),
)

INAT_2019 = Entry(
    name="inat2019",
    short="iNat 2019",
    title="iNaturalist 2019",
    folders=("inat2019",),
    read=read_inat2019,
    official=Official(list_train_and_test(265_213, 3_030, test_name="val"), classes=1_010, mean_bytes=296_000),
    source=_describe_source(
        2019,
        describe_archive(2019, "train_val2019.tar.gz", 82 * GB, "c60a6e2962c9b8ccbd458d12c8582644", "inat2019"),
        train_md5="b06a6683537867c0d5c7a45f407a306d",
        val_md5="5cc5509b0fe495f1c8c1362612448497",
    ),
)

INAT_1K = replace(
    INAT_2019,
    name="inat1k",
    short="iNat-1k",
    title="iNaturalist 2019, a tenth of train moved to the reported split as in LooC's paper",
    read=read_inat1k,
    official=replace(INAT_2019.official, parts=(Part("train + val", ("train", "val", "test"), 268_243),)),
)
