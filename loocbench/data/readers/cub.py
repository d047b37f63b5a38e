"""CUB-200-2011 in its official layout (Wah et al. 2011)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from loocbench.data import decoding, folders, foreground
from loocbench.data.splits import by_membership, carve_validation, compact
from loocbench.errors import UserError
from loocbench.types import Dataset, Foreground, Split


def cub200(root: Path) -> Dataset:
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
        raise UserError(f"'{min(strange)}' is no class of {root / 'classes.txt'}; unpack the archive again.")
    folders.require_inside(paths.values(), root / "images.txt")
    there = set(folders.files_below(root / "images"))
    present = [key for key, path in paths.items() if path in there]
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
    official = by_membership(
        everything, ["train" if training[key] == "1" else "test" for key in present], ("train", "test")
    )
    if missing := {"train", "test"} - official.keys():
        raise UserError(f"{root} lacks every image of the {min(missing)} split; unpack the archive there.")
    splits = {**carve_validation(official["train"], "class"), "test": official["test"]}
    found = folders.dataset("cub200", root / "images", splits)
    return replace(found, foreground=_foreground(root, {paths[key]: key for key in present}))


def _foreground(root: Path, keys: Mapping[str, str]) -> Foreground | None:
    """From the official ``segmentations/``, unpacked here or beside; else from the bounding boxes. keys: by item.

    The boxes are in pixels of the official images; where those were made smaller, ``image_sizes.txt`` (key, official
    width and height, own width and height) says from what.
    """
    for folder in (root / "segmentations", root.parent / "segmentations"):
        if folder.is_dir():
            return foreground.segmented(
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
        width, height = map(float, sizes.get(keys[item], ())[:2] or decoding.whole_size(root / "images" / item))
        return left / width, top / height, (left + across) / width, (top + down) / height

    return foreground.boxed(box_of)
