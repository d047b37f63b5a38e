"""The official layouts: counts, classes, splits, labels 0 .. K-1; and folders that are not what they should be."""

from collections import Counter

import numpy as np
import pytest
from torchvision.datasets import Flowers102

from loocbench.data import catalog, splits
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError
from tests.conftest import make_cub, make_flowers


def describe(dataset, factor="class"):
    return {name: (len(split), len(split.class_names[factor])) for name, split in dataset.splits.items()}


def test_cub_layout(tmp_path):
    dataset = catalog.open_dataset("cub200", make_cub(tmp_path))
    assert describe(dataset) == {"train": (9, 3), "val": (3, 3), "test": (12, 3)}
    assert dataset.splits["test"].class_names["class"] == ("001.Bird_1", "003.Bird_3", "005.Bird_5")
    assert set(dataset.splits["train"].labels["class"]) == {0, 1, 2}  # ids 1, 3, 5 made 0 .. K-1
    assert dataset.note == "subset 24 of 11,788, re-encoded"


def test_flowers_layout(tmp_path):
    dataset = catalog.open_dataset("flowers102", make_flowers(tmp_path))
    assert describe(dataset) == {"train": (8, 3), "val": (8, 3), "test": (8, 3)}
    assert dataset.note == "subset 24 of 8,189, re-encoded"


@pytest.mark.realdata
def test_flowers_is_the_same_multiset_as_torchvisions(photographs):
    dataset = catalog.open_dataset("flowers102", photographs)
    assert describe(dataset) == {"train": (1020, 102), "val": (1020, 102), "test": (6149, 102)}
    assert dataset.note == "re-encoded"  # complete, but its images were made smaller
    for name, split in dataset.splits.items():
        theirs = Flowers102(photographs, split=name)
        expected = Counter((path.name, label) for path, label in zip(theirs._image_files, theirs._labels, strict=True))
        assert Counter(zip(split.items, split.labels["class"].tolist(), strict=True)) == expected


@pytest.mark.realdata
def test_cub_subset_keeps_the_official_split(photographs):
    dataset = catalog.open_dataset("cub200", photographs)
    sizes = {name: len(split) for name, split in dataset.splits.items()}
    assert (sizes["train"] + sizes["val"], sizes["test"]) == (810, 739)
    assert len(dataset.splits["test"].class_names["class"]) == 27
    assert dataset.note == "subset 1,549 of 11,788, re-encoded"


@pytest.mark.realdata
def test_cubs_official_counts_from_its_metadata(photographs):
    rows = (photographs / "CUB_200_2011_metadata" / "train_test_split.txt").read_text().split("\n")
    training = sum(line.endswith(" 1") for line in rows)
    assert (training, sum(map(bool, rows)) - training) == (5994, 5794)
    assert [part.images for part in ENTRIES["cub200"].official.parts] == [5994, 5794]


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


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "images.txt").unlink(), "cannot read .*images.txt"),
        (lambda folder: (folder / "images.txt").write_text("1\n"), "line 1: 2 fields expected, 1 found"),
        (lambda folder: (folder / "train_test_split.txt").write_text("1 1\n"), "name different images"),
        (lambda folder: (folder / "classes.txt").write_text("one Bird\n"), "is not a class of"),
        (lambda folder: (folder / "classes.txt").write_text("1 001.Bird_1\n"), "'3' is not a class of"),
        (lambda folder: _all_training(folder), "lacks every image of the test split"),
        (lambda folder: (folder / "images").rename(folder / "elsewhere"), "holds none of the 24 images"),
    ],
)
def test_a_folder_that_is_not_cub_is_refused(tmp_path, spoil, message):
    spoil(make_cub(tmp_path) / "CUB_200_2011")
    with pytest.raises(UserError, match=message):
        catalog.open_dataset("cub200", tmp_path)


def _all_training(folder):
    path = folder / "train_test_split.txt"
    path.write_text(path.read_text().replace(" 0\n", " 1\n"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "setid.mat").unlink(), "put the official files there"),
        (lambda folder: (folder / "setid.mat").write_bytes(b"no matrix at all"), "put the official files there"),
        (lambda folder: _shorten(folder / "imagelabels.mat"), "put the official files there"),
        (lambda folder: (folder / "jpg").rename(folder / "elsewhere"), "lacks every image of the test split"),
    ],
)
def test_a_folder_that_is_not_flowers_is_refused(tmp_path, spoil, message):
    spoil(make_flowers(tmp_path) / "flowers-102")
    with pytest.raises(UserError, match=message):
        catalog.open_dataset("flowers102", tmp_path)


def _shorten(path):
    from scipy.io import savemat

    savemat(path, {"labels": np.ones((1, 5))})  # fewer labels than the splits name images


@pytest.mark.parametrize("keep", range(0, 400, 24))
def test_a_truncated_matlab_file_is_refused(tmp_path, keep):
    path = make_flowers(tmp_path) / "flowers-102" / "imagelabels.mat"
    data = path.read_bytes()
    path.write_bytes(data[: min(keep, len(data) - 1)])
    with pytest.raises(UserError, match="put the official files there"):
        catalog.open_dataset("flowers102", tmp_path)


def test_an_absent_data_set_says_what_to_put_where(tmp_path):
    with pytest.raises(UserError, match=r"put the data set's folder CUB_200_2011/ there"):
        catalog.open_dataset("cub200", tmp_path)


def test_an_unknown_data_set_gets_a_suggestion():
    with pytest.raises(UserError, match="Did you mean 'cub200'"):
        catalog.open_dataset("cub20")
