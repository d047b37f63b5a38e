"""CUB-200-2011 in its official layout (Wah et al. 2011)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from loocbench.data import decoding, folders, foreground
from loocbench.data.entry import MB, DatasetSource, Download, Entry
from loocbench.data.official import Official, list_train_and_test
from loocbench.data.splits import carve_validation, compact_labels, split_by_membership
from loocbench.errors import UserError
from loocbench.types import Dataset, Foreground, Split


def read_cub200(root: Path) -> Dataset:
    """Read ``CUB_200_2011/``. The official train split is carved into train and val; test is the official one.

    Images whose file is absent are left out. Raises UserError when the folder is not CUB-200-2011.
    """
    names = dict(folders.read_table(root / "classes.txt", 2))
    paths = dict(folders.read_table(root / "images.txt", 2))
    classes = dict(folders.read_table(root / "image_class_labels.txt", 2))
    training = dict(folders.read_table(root / "train_test_split.txt", 2))
    if not (paths.keys() == classes.keys() == training.keys()):
        raise UserError(f"the lists in {root} name different images; unpack the archive again.")
    if strange := {key for key in {*classes.values(), *names} if key not in names or not key.isdecimal()}:
        raise UserError(f"'{min(strange)}' is not a class of {root / 'classes.txt'}; unpack the archive again.")
    folders.require_inside(paths.values(), root / "images.txt")
    there = set(folders.list_images(root / "images"))
    present = [key for key, path in paths.items() if path in there]
    if not present:
        raise UserError(f"{root / 'images'} holds none of the {len(paths):,} images; unpack the archive there.")
    labels, class_names = compact_labels(
        [int(classes[key]) for key in present], {int(key): name for key, name in names.items()}
    )
    everything = Split(
        dataset="cub200",
        name="all",
        items=tuple(paths[key] for key in present),
        labels={"class": labels},
        class_names={"class": class_names},
    )
    official = split_by_membership(
        everything, ["train" if training[key] == "1" else "test" for key in present], ("train", "test")
    )
    if missing := {"train", "test"} - official.keys():
        raise UserError(f"{root} lacks every image of the {min(missing)} split; unpack the archive there.")
    splits = {**carve_validation(official["train"], "class"), "test": official["test"]}
    dataset = folders.open_image_files("cub200", root / "images", splits)
    return replace(dataset, foreground=_open_foreground(root, {paths[key]: key for key in present}))


def _open_foreground(root: Path, keys: Mapping[str, str]) -> Foreground | None:
    """Foregrounds from the official ``segmentations/``, unpacked here or beside, else from the bounding boxes.

    keys: item -> its number in the official lists. The boxes are in pixels of the official images; where the images
    were made smaller, ``image_sizes.txt`` (number, official width and height, own width and height) gives their
    original sizes.
    """
    for folder in (root / "segmentations", root.parent / "segmentations"):
        if folder.is_dir():
            return foreground.read_masks(
                lambda item, folder=folder: (folder / item).with_suffix(".png"),  # type: ignore[misc]  # its default binds
                lambda pixels: pixels[..., 0] > 127,
            )
    if not (root / "bounding_boxes.txt").is_file():
        return None

    @cache
    def tables() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        boxes = {row[0]: row[1:] for row in folders.read_table(root / "bounding_boxes.txt", 5)}
        sizes = root / "image_sizes.txt"
        return boxes, {row[0]: row[1:] for row in folders.read_table(sizes, 5)} if sizes.is_file() else {}

    def box_of(item: str) -> foreground.Box:
        boxes, sizes = tables()
        left, top, across, down = map(float, boxes[keys[item]])
        width, height = map(float, sizes.get(keys[item], ())[:2] or decoding.read_full_size(root / "images" / item))
        return left / width, top / height, (left + across) / width, (top + down) / height

    return foreground.read_boxes(box_of)


ENTRY = Entry(
    name="cub200",
    short="CUB-200",
    title="CUB-200-2011: birds",
    folders=("CUB_200_2011",),
    beside=("segmentations",),
    read=read_cub200,
    official=Official(
        list_train_and_test(5_994, 5_794),
        classes=200,
        mean_bytes=97_600,
        fingerprints={
            "train": "7a753917c2555cb2bd13be5ade3ca657828eed69b1e4c8f3788f2da0fe7878bf",
            "val": "96d44dfd0f4f5142dd86f1693c5fdfc180fd8ce08c22dc136c2806eaa8dbda4e",
            "test": "8153b3a76a688918688154838fd193f503921da9bd947c3c27927f7b12946f1d",
        },
    ),
    source=DatasetSource(
        "https://www.vision.caltech.edu/datasets/cub_200_2011/",
        licence="non-commercial",
        terms="research and education",
        downloads=(
            Download(
                "CUB_200_2011.tgz",
                (
                    "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz?download=1",
                    "http://www.vision.caltech.edu/visipedia-data/CUB-200-2011/CUB_200_2011.tgz",
                ),
                1_151 * MB,
                "md5",
                "97eceeb196236b17998738112f37df78",
                unpacked=1_250 * MB,
                gives="CUB_200_2011",
            ),
        ),
    ),
)
