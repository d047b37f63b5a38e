"""From an object of torchvision to a data set: the same images and labels, and the official splits where there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torchvision

from loocbench.data import folders, pixels
from loocbench.data.readers.image_folder import TEST_SHARE
from loocbench.data.splits import carve_split, carve_validation, compact_labels, draw_per_class, split_by_membership
from loocbench.data.torchvision_sets.table import ALL, TorchvisionSet
from loocbench.errors import UserError
from loocbench.types import Dataset, Labels, Split

SPLITS = ("train", "val", "test")


def read_torchvision_set(one: TorchvisionSet, folder: Path) -> Dataset:
    """Read a data set in torchvision's layout. Raises UserError where torchvision cannot, saying what it says.

    Splits that there are not are drawn from each class, seeded; the remarks say how a test split was drawn.
    """
    sources = {split: _open(one, folder, arguments) for split, arguments in one.splits.items()}
    labels = {split: _read_labels(source) for split, source in sources.items()}
    names = _name_classes(one, next(iter(sources.values())))
    if one.held_in == "data":
        images = {f"{split}/": pixels.to_rgb_arrays(source.data) for split, source in sources.items()}
        items = {split: pixels.name_items(f"{split}/", len(images[f"{split}/"])) for split in sources}
        splits, remarks = _make_splits(one, items, labels, names)
        return replace(pixels.open_arrays(one.reference, splits, images), remarks=remarks)
    items = {split: _list_items(one, folder, source) for split, source in sources.items()}
    items, labels = _leave_out_missing(folder, items, labels)
    if empty := next((split for split in items if not items[split]), None):
        raise UserError(f"{folder} lacks every image of {one.reference}'s {empty} split; unpack the archive there.")
    splits, remarks = _make_splits(one, items, labels, names)
    return replace(folders.open_image_files(one.reference, folder, splits), remarks=remarks)


def _open(one: TorchvisionSet, folder: Path, arguments: Mapping[str, Any]) -> Any:
    """Return torchvision's object. What it cannot read it says in many ways."""
    try:
        return getattr(torchvision.datasets, one.name)(str(one.root_of(folder)), **arguments)
    except Exception as error:
        reason = " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__
        way = f"move the folder away and run 'loocbench datasets prepare {one.reference}'"
        raise UserError(
            f"torchvision cannot read {one.reference} in {folder} ({reason}); {way if one.downloads else one.by_hand}."
        ) from error


def _read_labels(source: Any) -> Labels:
    """Return the labels of a split, int64 [N], whatever torchvision calls them."""
    for name in ("targets", "labels", "_labels", "y"):
        if hasattr(source, name):
            return np.asarray(getattr(source, name), dtype=np.int64)
    pairs = source.samples if hasattr(source, "samples") else source._samples
    return np.array([label for _, label in pairs], dtype=np.int64)


def _list_items(one: TorchvisionSet, folder: Path, source: Any) -> list[str]:
    """Return the paths of the images of a split, below the data set's folder."""
    held = getattr(source, one.held_in)
    if one.held_in == "index":
        base = Path("101_ObjectCategories")
        pairs = zip(source.y, held, strict=True)
        return [(base / source.categories[y] / f"image_{number:04d}.jpg").as_posix() for y, number in pairs]
    paths = [entry[0] for entry in held] if one.held_in.endswith("samples") else held
    return [Path(path).relative_to(folder).as_posix() for path in paths]


def _leave_out_missing(
    folder: Path, items: Mapping[str, Sequence[str]], labels: Mapping[str, Labels]
) -> tuple[dict[str, list[str]], dict[str, Labels]]:
    """Return what of the official lists is there: a smaller copy is read, and called a subset."""
    there = set(folders.list_images(folder))
    kept = {split: np.array([item in there for item in names], dtype=bool) for split, names in items.items()}
    return (
        {split: [item for item in names if item in there] for split, names in items.items()},
        {split: values[kept[split]] for split, values in labels.items()},
    )


def _name_classes(one: TorchvisionSet, source: Any) -> dict[int, str]:
    """Return the name of each label; its number where torchvision has no name."""
    names = getattr(source, "classes", None) or getattr(source, "categories", None) or range(one.classes)
    return {label: str(name[0] if isinstance(name, tuple) else name) for label, name in enumerate(names)}


def _make_splits(
    one: TorchvisionSet,
    items: Mapping[str, Sequence[str]],
    labels: Mapping[str, Labels],
    names: Mapping[int, str],
) -> tuple[Mapping[str, Split], tuple[str, ...]]:
    """Return train, val and test, and what the user is told of them."""
    compacted, class_names = compact_labels(np.concatenate(list(labels.values())).tolist(), names)
    every = tuple(item for own in items.values() for item in own)
    whole = Split(one.reference, "all", every, {"class": compacted}, {"class": class_names})
    remarks: tuple[str, ...] = ()
    if one.splits is ALL:
        # Sorted, since torchvision lists some of these in the order of the file system.
        order = np.array(sorted(range(len(every)), key=every.__getitem__))
        whole = replace(whole, items=tuple(every[row] for row in order), labels={"class": compacted[order]})
        splits, how = _draw_splits(one, whole)
        remarks = (f"{one.reference} has no official splits: {how}, seeded",)
    else:
        membership = [split for split, own in items.items() for _ in own]
        splits = split_by_membership(whole, membership, SPLITS)
    if "val" not in splits:
        splits |= carve_validation(splits["train"], "class")
    return {split: splits[split] for split in SPLITS}, remarks


def _draw_splits(one: TorchvisionSet, whole: Split) -> tuple[dict[str, Split], str]:
    """Return train and test, and in words how they were drawn."""
    if one.train_per_class:
        train, test = draw_per_class(whole, "class", one.train_per_class, one.test_per_class)
        others = f"{one.test_per_class} others" if one.test_per_class else "all others"
        return {"train": train, "test": test}, f"{one.train_per_class} images of each class are train, {others} test"
    train, test = carve_split(whole, "class", share=TEST_SHARE, name="test")
    return {"train": replace(train, name="train"), "test": test}, "a fifth of each class is test"
