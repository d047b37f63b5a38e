"""CUB-200-2011: its layout, official split and fingerprints; folders that are not CUB are refused."""

import pytest

from loocbench.data import catalog, folders
from loocbench.data.entries import ENTRIES
from loocbench.data.readers import cub200
from loocbench.errors import UserError
from tests.conftest import make_cub
from tests.data import layouts


def test_cub_layout(tmp_path):
    dataset = catalog.open_dataset("cub200", make_cub(tmp_path))
    assert layouts.count_items_and_classes(dataset) == {"train": (9, 3), "val": (3, 3), "test": (12, 3)}
    assert dataset.splits["test"].class_names["class"] == ("001.Bird_1", "003.Bird_3", "005.Bird_5")
    assert set(dataset.splits["train"].labels["class"]) == {0, 1, 2}  # ids 1, 3, 5 made 0 .. K-1
    assert dataset.note == "subset 24 of 11,788, re-encoded"


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


@pytest.mark.realdata
def test_cubs_recorded_fingerprints_are_those_of_its_official_lists(photographs, monkeypatch):

    metadata = photographs / "CUB_200_2011_metadata"
    every = [path for _, path in folders.read_table(metadata / "images.txt", 2)]
    monkeypatch.setattr(folders, "list_images", lambda folder: every)
    dataset = cub200.read_cub200(metadata)
    found = {name: split.fingerprint for name, split in dataset.splits.items()}
    assert found == ENTRIES["cub200"].official.fingerprints


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
