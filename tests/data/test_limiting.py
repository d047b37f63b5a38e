"""A part of a data set for a quick look."""

from dataclasses import replace

import numpy as np
import pytest

from loocbench.data import folders
from loocbench.data.limiting import choose_rows, limit_dataset
from loocbench.types import Split
from tests.conftest import picture


def make_split(counts, name="train"):
    """A split with so many images of each class, shuffled."""
    labels = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
    names = tuple(f"class{number}" for number in range(len(counts)))
    items = tuple(f"{name}{row}.jpg" for row in range(len(labels)))
    return Split("d", name, items, {"class": labels}, {"class": names})


def count_classes(split, rows):
    return np.bincount(split.labels["class"][rows], minlength=len(split.class_names["class"])).tolist()


@pytest.mark.parametrize(
    ("counts", "most", "expected"),
    [
        ([40, 40, 20], 50, [20, 20, 10]),
        ([90, 9, 1], 10, [8, 1, 1]),
        ([5, 5], 10, [5, 5]),
        ([5, 5], 99, [5, 5]),
        ([1000, 1, 1, 1], 4, [1, 1, 1, 1]),
    ],
)
def test_each_class_has_its_share_and_at_least_one(counts, most, expected):
    split = make_split(counts)
    rows = choose_rows(split, most)
    assert count_classes(split, rows) == expected
    assert (np.diff(rows) > 0).all()


def test_the_choice_is_seeded_and_a_larger_one_contains_a_smaller_one():
    split = make_split([30, 20, 10])
    assert np.array_equal(choose_rows(split, 20), choose_rows(split, 20))
    assert not np.array_equal(choose_rows(split, 20), choose_rows(split, 20, seed=1))
    assert set(choose_rows(split, 12)) < set(choose_rows(split, 20)) < set(choose_rows(split, 45))


def test_of_many_classes_every_split_has_the_same_ones():
    train, test = make_split([9] * 50), make_split([3] * 50, "test")
    chosen = [set(split.labels["class"][choose_rows(split, 20)]) for split in (train, test)]
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 20


def test_a_split_without_labels_is_drawn_at_random():
    split = replace(make_split([30]), labels={}, class_names={})
    rows = choose_rows(split, 7)
    assert len(rows) == 7
    assert rows.tolist() != list(range(7))


def test_a_limited_data_set_says_so_and_does_not_read_its_other_files(tmp_path):
    splits = {"train": make_split([6, 6]), "test": make_split([2, 2], "test")}
    for split in splits.values():
        for number, item in enumerate(split.items):
            picture(tmp_path / item, seed=number)
    whole = folders.open_image_files("d", tmp_path, splits)
    limited = limit_dataset(whole, 4)
    assert {name: len(split) for name, split in limited.splits.items()} == {"train": 4, "test": 4}
    assert limited.note == "at most 4 images a split"
    assert limit_dataset(replace(whole, note="subset"), 4).note == "subset, at most 4 images a split"
    assert limit_dataset(whole, 0) is whole
    assert limit_dataset(whole, 12) is whole
    assert limited.edition() != whole.edition()
    before = limited.edition()
    (tmp_path / next(item for item in splits["train"].items if item not in limited.splits["train"].items)).unlink()
    assert limit_dataset(whole, 4).edition() == before
