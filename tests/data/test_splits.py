"""Carving validation out of train, and fingerprints of splits."""

import numpy as np

from loocbench.data import catalog, splits
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
