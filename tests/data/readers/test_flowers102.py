"""Oxford Flowers-102: its layout, torchvision's lists and names; folders that are not Flowers-102 are refused."""

from collections import Counter

import numpy as np
import pytest
from torchvision.datasets import Flowers102

from loocbench.data import catalog
from loocbench.data.readers import flowers102
from loocbench.errors import UserError
from tests.conftest import make_flowers
from tests.data import layouts


def test_flowers_layout(tmp_path):
    dataset = catalog.open_dataset("flowers102", make_flowers(tmp_path))
    assert layouts.count_items_and_classes(dataset) == {"train": (8, 3), "val": (8, 3), "test": (8, 3)}
    assert dataset.note == "subset 24 of 8,189, re-encoded"


def test_the_names_of_the_flowers_are_torchvisions(tmp_path):
    if not hasattr(Flowers102, "classes"):
        pytest.skip("this torchvision does not name the flowers")
    assert flowers102.read_flower_names() == tuple(Flowers102.classes)
    tiny = catalog.open_dataset("flowers102", make_flowers(tmp_path)).splits["train"]
    assert tiny.class_names["class"] == tuple(Flowers102.classes[:3])


@pytest.mark.realdata
def test_flowers_is_the_same_multiset_as_torchvisions(photographs):
    dataset = catalog.open_dataset("flowers102", photographs)
    assert layouts.count_items_and_classes(dataset) == {"train": (1020, 102), "val": (1020, 102), "test": (6149, 102)}
    assert dataset.note == "re-encoded"  # complete, but its images were made smaller
    for name, split in dataset.splits.items():
        theirs = Flowers102(photographs, split=name)
        expected = Counter((path.name, label) for path, label in zip(theirs._image_files, theirs._labels, strict=True))
        assert Counter(zip(split.items, split.labels["class"].tolist(), strict=True)) == expected


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
