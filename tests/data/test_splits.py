"""Carving validation out of train, and fingerprints of splits."""

import numpy as np

from loocbench.data import catalog, splits
from loocbench.types import Split
from tests.conftest import make_cub


def test_validation_is_stratified_seeded_and_disjoint(tmp_path):
    train = catalog.open_dataset("cub200", make_cub(tmp_path, images=20)).splits["train"]
    first, second = splits.carve_validation(train, "class", seed=3), splits.carve_validation(train, "class", seed=3)
    assert first["val"].items == second["val"].items
    assert not set(first["val"].items) & set(first["train"].items)
    assert set(first["val"].items) | set(first["train"].items) == set(train.items)
    assert set(np.bincount(first["val"].labels["class"])) == {2}  # a fifth of 8 each, rounded


def test_the_fingerprint_knows_items_and_labels_but_not_their_order(tmp_path):
    train = catalog.open_dataset("cub200", make_cub(tmp_path)).splits["train"]
    rows = np.arange(len(train))
    assert splits.select_rows(train, rows[::-1], "train").fingerprint == train.fingerprint
    assert splits.select_rows(train, rows[1:], "train").fingerprint != train.fingerprint
    moved = splits.select_rows(train, rows, "train")
    moved.labels["class"][0] += 1
    assert moved.fingerprint != train.fingerprint


def test_a_number_of_each_class_is_drawn():
    labels = np.repeat([0, 1, 2], [10, 4, 1])
    split = Split("d", "all", tuple(map(str, range(15))), {"class": labels}, {"class": ("a", "b", "c")})
    train, test = splits.draw_per_class(split, "class", 5, 3)
    assert np.bincount(train.labels["class"]).tolist() == [5, 3, 1]  # of 4 one is kept for test; of 1 none can be
    assert np.bincount(test.labels["class"], minlength=3).tolist() == [3, 1, 0]
    assert not set(train.items) & set(test.items)
    assert list(map(int, train.items)) == sorted(map(int, train.items))
    everything = splits.draw_per_class(split, "class", 5)
    assert np.bincount(everything[1].labels["class"], minlength=3).tolist() == [5, 1, 0]
    assert splits.draw_per_class(split, "class", 5, 3)[0].items == train.items  # seeded
