"""The official copy of a data set, and how another copy differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loocbench.types import Dataset

_SAMPLED_FILES = 500  # evenly over the data set: enough for its mean within a few per cent
_TOLERANCE = 1.67  # classes differ in their mean; other quality or other pixels change it severalfold


@dataclass(frozen=True)
class Part:
    """One official list of images. splits: those of our splits that together hold it. images: how many it has."""

    name: str
    splits: tuple[str, ...]
    images: int


@dataclass(frozen=True)
class Official:
    """The official numbers of a data set; 0 or empty where none is published or recorded.

    mean_bytes: mean size of an image file, approximately. fingerprints: of our splits, recorded from a complete copy.
    """

    parts: tuple[Part, ...] = ()
    classes: int = 0
    mean_bytes: int = 0
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether there is anything to compare a copy with."""
        return bool(self.images or self.fingerprints)

    @property
    def images(self) -> int:
        """Images in all official lists together; 0 where the number was never published."""
        return sum(part.images for part in self.parts)


def list_train_and_test(train: int, test: int, *, test_name: str = "test") -> tuple[Part, ...]:
    """The parts of a data set without an official val (or whose val is our test): our val is carved from train."""
    return (Part("train", ("train", "val"), train), Part(test_name, ("test",), test))


def list_train_val_test(train: int, val: int, test: int) -> tuple[Part, ...]:
    """The parts of a data set whose official lists are our three splits."""
    return (Part("train", ("train",), train), Part("val", ("val",), val), Part("test", ("test",), test))


def compare_with_official(dataset: Dataset, official: Official) -> str:
    """How this copy differs from the official one: "subset N of M", "altered: …", "re-encoded"; "" if it does not.

    Where fingerprints are recorded they decide; otherwise the number of images of every list and the number of classes
    have to agree. Fingerprints do not cover pixels: images that were made smaller show in the size of their files.
    """
    return ", ".join(filter(None, [_compare_lists(dataset, official), _compare_file_sizes(dataset, official)]))


def count_classes(dataset: Dataset) -> int:
    """The number of values of the data set's first label."""
    split = next(iter(dataset.splits.values()))
    return len(next(iter(split.class_names.values())))


def _compare_file_sizes(dataset: Dataset, official: Official) -> str:
    if not official.mean_bytes or dataset.files is None:
        return ""
    items = [item for split in dataset.splits.values() for item in split.items]
    sample = items[:: max(1, len(items) // _SAMPLED_FILES)]
    mean = sum((dataset.files.folder / item).stat().st_size for item in sample) / len(sample)
    return "" if 1 / _TOLERANCE < mean / official.mean_bytes < _TOLERANCE else "re-encoded"


def _compare_lists(dataset: Dataset, official: Official) -> str:
    found = sum(len(split) for split in dataset.splits.values())
    if found < official.images:
        return f"subset {found:,} of {official.images:,}"
    if official.fingerprints:
        actual = {name: split.fingerprint for name, split in dataset.splits.items()}
        return "" if actual == dict(official.fingerprints) else "altered: not the official images, labels or split"
    for part in official.parts:
        size = sum(len(dataset.splits[name]) for name in part.splits)
        if part.images and size != part.images:
            return f"altered: {size:,} images in {part.name} instead of {part.images:,}"
    if (classes := count_classes(dataset)) != official.classes and official.classes:
        return f"altered: {classes:,} classes instead of {official.classes:,}"
    return ""
