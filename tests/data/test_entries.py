"""The table of data sets: every entry opens a small copy of its official layout; its numbers are the published ones.

``loocbench.data.entry`` and ``loocbench.data.entries``.
"""

from dataclasses import replace

import numpy as np
import pytest

from loocbench.data import catalog
from loocbench.data.entries import ENTRIES
from tests.data import layouts

EXPECTED = {  # splits, classes
    "inat2017": ({"train": 48, "val": 12, "test": 12}, 6),
    "inat2018": ({"train": 48, "val": 12, "test": 12}, 6),
    "inat2019": ({"train": 48, "val": 12, "test": 12}, 6),
    "inat1k": ({"train": 42, "val": 12, "test": 18}, 6),  # 1 of each 10 moved, a fifth of the other 9 carved
    "inat2021": ({"train": 24, "val": 6, "test": 6}, 3),
    "inat2021-mini": ({"train": 12, "val": 3, "test": 6}, 3),
    "imagenet100": ({"train": 24, "val": 6, "test": 6}, 3),
    "tiny-imagenet": ({"train": 24, "val": 6, "test": 6}, 3),
    "imagenet-c-100": ({"test": 8}, 2),
    "objectnet13": ({"test": 6}, 2),
    "dtd": ({"train": 6, "val": 6, "test": 6}, 2),
    "car-colors": ({"train": 12, "val": 4, "test": 4}, 2),
    "inat-animals-20": ({"train": 8, "val": 2, "test": 10}, 2),
}


@pytest.mark.parametrize("name", layouts.MAKERS)
def test_a_layout_has_its_splits_and_labels_from_zero(tmp_path, name):
    dataset = catalog.open_dataset(name, layouts.MAKERS[name](tmp_path))
    expected, classes = EXPECTED[name]
    assert layouts.count_items(dataset) == expected
    assert dataset.name == name
    assert ENTRIES[name].test_only == (set(dataset.splits) == {"test"})
    assert set(ENTRIES[name].labels) == set(next(iter(dataset.splits.values())).labels)
    every = np.concatenate([split.labels[ENTRIES[name].labels[0]] for split in dataset.splits.values()])
    assert set(every.tolist()) == set(range(classes))
    items = [item for split in dataset.splits.values() for item in split.items]
    assert len(items) == len(set(items))
    for split in dataset.splits.values():
        assert all(image.ndim == 3 for image in dataset.read(split.items[:2], 16))


@pytest.mark.parametrize("name", layouts.MAKERS)
def test_a_small_copy_is_called_a_subset(tmp_path, name):
    dataset = catalog.open_dataset(name, layouts.MAKERS[name](tmp_path))
    total = sum(layouts.count_items(dataset).values())
    images = ENTRIES[name].official.images
    if images:
        assert dataset.note.startswith(f"subset {total:,} of {images:,}")
    else:
        assert dataset.note == {"objectnet13": "altered: 2 classes instead of 13"}.get(name, "")


def test_every_entry_of_the_catalog_has_a_maker_of_its_layout_or_tests_of_its_own():
    assert set(ENTRIES) == {*layouts.MAKERS, "blooms", "cub200", "flowers102"}


def test_recorded_counts_are_the_published_ones():
    parts = {name: [part.images for part in entry.official.parts] for name, entry in ENTRIES.items()}
    assert parts["flowers102"] == [1_020, 1_020, 6_149]
    assert parts["cub200"] == [5_994, 5_794]
    assert parts["inat2019"] == [265_213, 3_030]
    assert parts["imagenet100"] == [126_689, 5_000]
    assert ENTRIES["inat1k"].official.images == 268_243
    assert ENTRIES["inat2019"].official.classes == 1_010


def test_short_names_are_unique():
    assert len({entry.short for entry in ENTRIES.values()}) == len(ENTRIES)


def test_an_entry_that_cannot_be_opened_is_refused():
    with pytest.raises(ValueError, match="needs folders and read, or generate alone"):
        replace(ENTRIES["blooms"], generate=None)
    with pytest.raises(ValueError, match="needs folders and read, or generate alone"):
        replace(ENTRIES["dtd"], folders=())
