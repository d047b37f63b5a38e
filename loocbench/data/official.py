"""What the official copy of a data set is, and how another copy differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loocbench.types import Dataset

_SAMPLED_FILES = 500  # evenly over the data set: enough for its mean within a few per cent
_TOLERANCE = 1.67  # classes differ in their mean; other quality or other pixels change it severalfold


@dataclass(frozen=True)
class Part:
    """One official list: its name, which of our splits make it up, and how many images it has."""

    name: str
    splits: tuple[str, ...]
    images: int


@dataclass(frozen=True)
class Official:
    """The official data set. mean_bytes: of an image file, about. Classes and bytes are 0 where there is no number.

    fingerprints: of our splits, recorded from a complete copy; empty where we never had one.
    """

    parts: tuple[Part, ...]
    classes: int
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


def note(dataset: Dataset, official: Official) -> str:
    """What sets this copy apart from the official one: "subset N of M", "altered: …", "re-encoded", or nothing.

    Where a fingerprint is recorded it decides; else the counts of every list, and of the classes, have to hold.
    Fingerprints know nothing of pixels: images that were made smaller show in the size of their files.
    """
    return ", ".join(filter(None, [_lists(dataset, official), _files(dataset, official)]))


def _files(dataset: Dataset, official: Official) -> str:
    if not official.mean_bytes or dataset.files is None:
        return ""
    items = [item for split in dataset.splits.values() for item in split.items]
    sample = items[:: max(1, len(items) // _SAMPLED_FILES)]
    mean = sum((dataset.files.folder / item).stat().st_size for item in sample) / len(sample)
    return "" if 1 / _TOLERANCE < mean / official.mean_bytes < _TOLERANCE else "re-encoded"


def _lists(dataset: Dataset, official: Official) -> str:
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


def count_classes(dataset: Dataset) -> int:
    """The number of values of the data set's first label."""
    split = next(iter(dataset.splits.values()))
    return len(next(iter(split.class_names.values())))
