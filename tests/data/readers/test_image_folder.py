"""Any folder of images: torchvision's labels, split folders, ``labels.csv``; folders that do not fit are refused.

Covers ``loocbench.data.readers.image_folder``.
"""

import os
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from loocbench.data import catalog
from loocbench.errors import UserError
from tests.conftest import picture
from tests.data import layouts


def test_a_plain_folder_is_torchvisions_image_folder(tmp_path):
    layouts.make_folder(tmp_path / "pets", classes=("dog", "cat", "axolotl"))
    picture(tmp_path / "pets" / "cat" / "deeper" / "x.png")
    ours = catalog.open_dataset(f"folder:{tmp_path / 'pets'}")
    theirs = ImageFolder(tmp_path / "pets")
    expected = Counter((Path(path).relative_to(tmp_path / "pets").as_posix(), label) for path, label in theirs.samples)
    assert layouts.count_pairs(ours) == expected
    assert ours.splits["train"].class_names["class"] == ("axolotl", "cat", "dog")
    assert layouts.count_items(ours) == {
        "train": 19,
        "val": 6,
        "test": 6,
    }  # of each class a fifth to test, a fifth of the rest to val
    assert ours.name == "folder:pets"


@pytest.mark.parametrize("above", [("train", "val", "test"), ("Training", "validation", "Testing")])
def test_split_folders_over_the_classes(tmp_path, above):
    for split, images in zip(above, (6, 2, 3), strict=True):
        layouts.make_folder(tmp_path / "pets", above=split, images=images)
    dataset = catalog.open_dataset("folder:pets", tmp_path)
    assert layouts.count_items(dataset) == {"train": 12, "val": 4, "test": 6}
    assert dataset.splits["train"].class_names["class"] == ("cat", "dog")


def test_split_folders_beside_others_are_refused(tmp_path):
    for above in ("train", "test", "docs"):
        layouts.make_folder(tmp_path / "pets", above=above)
    with pytest.raises(UserError, match="holds test/, which names a split, beside docs/, which does not"):
        catalog.open_dataset("folder:pets", tmp_path)


def test_split_folders_inside_the_classes(tmp_path):
    for kind in ("cat", "dog"):
        for split, images in (("support", 5), ("query", 4), ("test", 2)):
            for position in range(images):
                picture(tmp_path / "pets" / kind / split / f"{split}{position}.jpeg")
    dataset = catalog.open_dataset("folder:pets", tmp_path)
    assert layouts.count_items(dataset) == {"train": 8, "val": 2, "test": 12}
    assert all("/support/" in item for name in ("train", "val") for item in dataset.splits[name].items)


@pytest.mark.parametrize("images", [1, 2])
def test_a_folder_with_too_few_images_is_refused(tmp_path, images):
    layouts.make_folder(tmp_path / "pets", images=images)
    with pytest.raises(UserError, match="too few images to carve"):
        catalog.open_dataset("folder:pets", tmp_path)
    layouts.make_folder(tmp_path / "pets", images=3)
    assert layouts.count_items(catalog.open_dataset("folder:pets", tmp_path)) == {"train": 2, "val": 2, "test": 2}


def test_further_labels_and_splits_from_a_table(tmp_path):
    layouts.make_folder(tmp_path / "cars", classes=("old", "new"), images=4)
    rows = [
        f"{kind}/{i}.jpg,{('red', 'blue')[i % 2]},{('train', 'train', 'val', 'test')[i]}"
        for kind in ("old", "new")
        for i in range(4)
    ]
    (tmp_path / "cars" / "labels.csv").write_text("\n".join(["path,color,split", *rows]) + "\n")
    dataset = catalog.open_dataset("folder:cars", tmp_path)
    assert layouts.count_items(dataset) == {"train": 4, "val": 2, "test": 2}
    test = dataset.splits["test"]
    assert test.class_names == {"class": ("new", "old"), "color": ("blue", "red")}
    assert list(test.labels) == ["class", "color"]  # the main one first
    assert test.labels["color"].tolist() == [0, 0]  # position 3 is blue


def test_a_folder_without_classes_is_refused(tmp_path):
    picture(tmp_path / "pets" / "a.jpg")
    with pytest.raises(UserError, match="is in no class folder"):
        catalog.open_dataset("folder:pets", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no images"):
        catalog.open_dataset("folder:empty", tmp_path)
    with pytest.raises(UserError, match="no folder 'nowhere'"):
        catalog.open_dataset("folder:nowhere", tmp_path)


SUFFIXES = ("jpg", "gif", "avif", "jfif", "jp2", "webp")


def make_kinds(root):
    """One class of four pictures of each kind of file."""
    for number, suffix in enumerate(SUFFIXES):
        for position in range(4):
            source = Image.open(picture(root.parent / "source.jpg", (30, 24), 10 * number + position))
            (root / f"class {suffix}").mkdir(parents=True, exist_ok=True)
            source.save(root / f"class {suffix}" / f"{position}.{suffix}")


def test_what_pillow_can_open_is_read(tmp_path):
    """Six classes stay six."""
    make_kinds(tmp_path / "pets")
    dataset = catalog.open_dataset("folder:pets", tmp_path)
    assert dataset.splits["train"].class_names["class"] == tuple(sorted(f"class {suffix}" for suffix in SUFFIXES))
    assert sum(layouts.count_items(dataset).values()) == 24
    assert dataset.remarks == ()
    items = dataset.splits["test"].items
    assert [image.shape for image in dataset.read(items, 24)] == [(24, 30, 3)] * 6
    assert dataset.sizes(items, 24).tolist() == [[24, 30]] * 6


def test_what_is_left_out_is_counted(tmp_path):
    layouts.make_folder(tmp_path / "pets")
    for name in ("cat/a.heic", "cat/b.HEIC", "dog/.hidden.jpg", "readme", "horse/0.heic", "cat/notes.txt"):
        (tmp_path / "pets" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "pets" / name).write_bytes(b"x")
    (tmp_path / "pets" / "cat" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert catalog.open_dataset("folder:pets", tmp_path).remarks == (
        "left out of pets, since they are not images that can be read: "
        "3 .heic, 1 .txt, 1 broken link, 1 hidden, 1 without suffix",
        "class folders of pets without images that can be read: horse",
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_among_images_is_left_out(tmp_path):
    layouts.make_folder(tmp_path / "pets")
    os.mkfifo(tmp_path / "pets" / "cat" / "pipe.jpg")
    (remark,) = catalog.open_dataset("folder:pets", tmp_path).remarks
    assert remark.endswith(": 1 not a file")


def test_names_that_are_not_utf8_are_refused(tmp_path):
    layouts.make_folder(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "0.jpg").rename(tmp_path / "pets" / "cat" / os.fsdecode(b"caf\xe9.jpg"))
    layouts.assert_refused("folder:pets", tmp_path, r"b'cat/caf\\xe9.jpg' .* is not UTF-8; rename it")
    layouts.make_folder(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")))
    layouts.assert_refused("folder:" + os.fsdecode(b"caf\xe9"), tmp_path, r"folder b'caf\\xe9' is not UTF-8; rename it")


@pytest.mark.parametrize("content", [{}, {"test/cat/0.heic": b"x"}, {"test/0.heic": b"x"}])
def test_a_split_that_is_named_and_empty_is_refused(tmp_path, content):
    for split in ("train", "val"):
        layouts.make_folder(tmp_path / "pets", above=split)
    (tmp_path / "pets" / "test").mkdir()
    for name, data in content.items():
        (tmp_path / "pets" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "pets" / name).write_bytes(data)
    why = r" \(left out: 1 .heic\)" if content else ""
    layouts.assert_refused("folder:pets", tmp_path, f"pets/test names a split and holds no images.*{why}; put some")


def test_an_empty_split_beside_classes_or_inside_them_is_refused(tmp_path):
    layouts.make_folder(tmp_path / "beside")
    (tmp_path / "beside" / "test").mkdir()
    layouts.assert_refused("folder:beside", tmp_path, "beside/test names a split and holds no images")
    for split in ("train", "val"):
        for kind in ("cat", "dog"):
            layouts.make_folder(tmp_path / "inside" / kind, classes=(split,))
            (tmp_path / "inside" / kind / "test").mkdir(exist_ok=True)
    layouts.assert_refused("folder:inside", tmp_path, "inside/cat/test names a split and holds no images")


def test_splits_inside_some_classes_alone_are_refused(tmp_path):
    layouts.make_folder(tmp_path / "pets" / "cat", classes=("train", "test"))
    layouts.make_folder(tmp_path / "pets", classes=("dog",))
    layouts.assert_refused("folder:pets", tmp_path, r"pets/dog/0.jpg is not; sort all images into such folders")


def test_which_images_play_which_part_is_told_where_not_all_splits_are_named(tmp_path):
    for split in ("train", "val"):
        layouts.make_folder(tmp_path / "pets", above=split)
    dataset = catalog.open_dataset("folder:pets", tmp_path)
    assert dataset.remarks == ("pets names train and val, not test: a fifth of each class of train is test",)
    assert layouts.count_items(dataset) == {"train": 16, "val": 20, "test": 4}


def test_classes_that_a_split_lacks_and_classes_that_look_alike_are_told(tmp_path):
    for split, kinds in (("train", ("cat", "Cat")), ("val", ("cat",)), ("test", ("cat", "dog"))):
        layouts.make_folder(tmp_path / "pets", above=split, classes=kinds)
    assert catalog.open_dataset("folder:pets", tmp_path).remarks == (
        "1 of 3 classes of pets have no training images: dog",
        "1 of 3 classes of pets have no test images: Cat",
        "classes of pets whose names differ in case or encoding alone are kept apart: Cat, cat",
    )


def write_table(root, *lines):
    (root / "labels.csv").write_text("\n".join(lines) + "\n")


def test_a_class_called_train_is_a_class_where_the_table_names_the_splits(tmp_path):
    layouts.make_folder(tmp_path / "toys", classes=("train", "car"), images=3)
    items = [f"{kind}/{i}.jpg" for kind in ("train", "car") for i in range(3)]
    splits = ("train", "val", "Test")
    write_table(tmp_path / "toys", "path,split", *(f"{item},{splits[i % 3]}" for i, item in enumerate(items)))
    by_folders = catalog.open_dataset("folder:toys", tmp_path)
    assert layouts.count_items(by_folders) == {"train": 2, "val": 2, "test": 2}
    assert by_folders.splits["test"].class_names == {"class": ("car", "train")}
    write_table(
        tmp_path / "toys", "path,Class, split", *(f"{item},toy {i % 2},{splits[i % 3]}" for i, item in enumerate(items))
    )
    by_table = catalog.open_dataset("folder:toys", tmp_path)
    assert by_table.splits["test"].class_names == {"class": ("toy 0", "toy 1")}
    assert by_table.splits["train"].labels["class"].tolist() == [1, 0]  # car/0, train/0: rows 3 and 0
    write_table(tmp_path / "toys", "path,class", *(f"{item},toy" for item in items))
    layouts.assert_refused("folder:toys", tmp_path, "beside car/, .*or give each image's split in labels.csv")
