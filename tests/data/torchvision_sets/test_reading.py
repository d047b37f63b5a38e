"""Data sets of torchvision: the same pixels and labels as torchvision's own objects give, in official or drawn splits.

Covers ``loocbench.data.torchvision_sets.reading`` and ``loocbench.data.pixels``.
"""

import shutil
from collections import Counter

import numpy as np
import pytest
import torchvision

from loocbench.data import catalog, pixels, verifying
from loocbench.data.splits import carve_validation
from loocbench.data.torchvision_sets.table import SETS
from loocbench.errors import UserError
from tests.conftest import Silent
from tests.data.torchvision_sets.layouts import MAKERS, make_cifar, make_food, make_sun, trust_small_files

# Short sides of the images; files are 24 pixels high.
SIDES = {"CIFAR10": 32, "CIFAR100": 32, "SVHN": 32, "STL10": 96, "MNIST": 28, "FashionMNIST": 28, "KMNIST": 28}


@pytest.fixture(autouse=True)
def _small_files(monkeypatch):
    trust_small_files(monkeypatch)


def theirs(name, root):
    """(pixels, class) of each image that torchvision itself reads, by split of its own."""
    one = SETS[f"torchvision:{name}"]
    found = {}
    for split, arguments in one.splits.items():
        source = getattr(torchvision.datasets, name)(str(root / one.folder if one.inside else root), **arguments)
        found[split] = Counter((np.asarray(image.convert("RGB")).tobytes(), int(label)) for image, label in source)
    return found


def ours(dataset, splits):
    """The same of some splits of ours, at the images' own size."""
    found = Counter()
    for name in splits:
        split = dataset.splits[name]
        images = dataset.read(split.items, SIDES.get(dataset.name.removeprefix("torchvision:"), 24))
        found.update((image.tobytes(), int(label)) for image, label in zip(images, split.labels["class"], strict=True))
    return found


@pytest.mark.parametrize("name", MAKERS)
def test_images_labels_and_splits_are_torchvisions(tmp_path, name):
    maker, sizes, classes = MAKERS[name]
    maker(tmp_path)
    dataset = catalog.open_dataset(f"torchvision:{name}", tmp_path)
    assert dataset.name == f"torchvision:{name}"
    assert {split: len(images) for split, images in dataset.splits.items()} == sizes
    assert dataset.splits["test"].class_names["class"] == classes
    official = theirs(name, tmp_path)
    if "all" in official:
        assert ours(dataset, ("train", "val", "test")) == official["all"]
    else:
        assert ours(dataset, ("test",)) == official["test"]
        if "val" in official:
            assert ours(dataset, ("val",)) == official["val"]
            assert ours(dataset, ("train",)) == official["train"]
        else:
            assert ours(dataset, ("train", "val")) == official["train"]
    for split in dataset.splits.values():
        assert set(split.labels["class"].tolist()) == {0, 1}  # stratified
    assert dataset.note.startswith("subset ")
    assert verifying.verify_dataset(dataset, None, Silent()).sound


@pytest.mark.parametrize("name", ["SUN397", "Caltech101", "EuroSAT"])
def test_drawn_splits_are_the_same_each_time_and_said_to_be(tmp_path, name):
    MAKERS[name][0](tmp_path)
    first, second = (catalog.open_dataset(f"torchvision:{name}", tmp_path) for _ in range(2))
    assert [one.fingerprint for one in first.splits.values()] == [one.fingerprint for one in second.splits.values()]
    (remark,) = first.remarks
    assert f"torchvision:{name} has no official splits" in remark
    assert "of each class" in remark


def test_a_carved_validation_split_is_a_seeded_fifth_of_train(tmp_path):
    make_cifar(tmp_path, classes=10)
    dataset = catalog.open_dataset("torchvision:CIFAR10", tmp_path)
    assert dataset.remarks == ()  # as of every data set without an official one
    whole = Counter(item.split("/")[0] for split in dataset.splits.values() for item in split.items)
    assert whole == {"train": 60, "test": 12}
    again = carve_validation(dataset.splits["train"], "class")
    assert len(again["val"]) == 10


def test_the_edition_follows_the_pixels(tmp_path):
    make_cifar(tmp_path / "a", classes=10)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    first, second = (catalog.open_dataset("torchvision:CIFAR10", tmp_path / name) for name in "ab")
    assert first.edition() == second.edition()
    assert first.edition().startswith("torchvision:CIFAR10 pixels ")
    assert first.content(["train/000000"]) == second.content(["train/000000"])
    make_cifar(tmp_path / "c", classes=100)
    assert catalog.open_dataset("torchvision:CIFAR100", tmp_path / "c").edition() != first.edition()


def test_images_in_memory_are_resized_as_files_are():
    grey = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(2, 4, 6)
    rgb = pixels.to_rgb_arrays(grey)
    assert rgb.shape == (2, 4, 6, 3)
    dataset = pixels.open_arrays("d", {}, {"train/": rgb})
    (image,) = dataset.read(["train/000001"], 4)
    np.testing.assert_array_equal(image, rgb[1])
    assert dataset.read(["train/000000"], 8)[0].shape == (8, 12, 3)
    np.testing.assert_array_equal(dataset.sizes(["train/000000"], 8), [[8, 12]])
    first = np.zeros((1, 3, 5, 5), dtype=np.uint8)
    assert pixels.to_rgb_arrays(first).shape == (1, 5, 5, 3)


def test_images_that_are_not_there_are_left_out_of_official_lists(tmp_path):
    make_food(tmp_path)
    for path in sorted((tmp_path / "food-101" / "images").rglob("*.jpg"))[:2]:
        path.unlink()
    dataset = catalog.open_dataset("torchvision:Food101", tmp_path)
    assert sum(map(len, dataset.splits.values())) == 22
    assert dataset.note.startswith("subset 22 of 101,000")


@pytest.mark.parametrize(
    ("name", "lost", "message"),
    [
        ("CIFAR10", "cifar-10-batches-py/test_batch", "torchvision cannot read torchvision:CIFAR10 in .*not found"),
        ("SUN397", "SUN397/ClassName.txt", "ClassName.txt.*; move the folder away and run 'loocbench datasets prep"),
        ("StanfordCars", "stanford_cars/devkit/cars_train_annos.mat", "put cars_train/, cars_test/, cars_test_annos"),
    ],
)
def test_a_broken_copy_is_refused_in_one_line(tmp_path, name, lost, message):
    MAKERS[name][0](tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(UserError, match=message) as refused:
        catalog.open_dataset(f"torchvision:{name}", tmp_path)
    assert "\n" not in str(refused.value)


def test_a_copy_without_images_is_refused(tmp_path):
    make_sun(tmp_path)
    for path in (tmp_path / "SUN397").rglob("*.jpg"):
        path.unlink()
    with pytest.raises(UserError, match="lacks every image of torchvision:SUN397's all split"):
        catalog.open_dataset("torchvision:SUN397", tmp_path)
