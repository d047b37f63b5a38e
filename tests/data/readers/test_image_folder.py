"""Any folder of images: torchvision's labels, split folders, ``labels.csv``; folders that do not fit are refused.

Covers ``loocbench.data.readers.image_folder``.
"""

from collections import Counter
from pathlib import Path

import pytest
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


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("color\nred\n", "has no column 'path'"),
        ("path,color\ncat/0.jpg,red\n", "has no row for cat/1.jpg"),
        ("path,color\ncat/0.jpg,red\ncat/1.jpg,red\ncat/2.jpg,red\n", "names cat/2.jpg, which is not there"),
        ("path,color\ncat/0.jpg,red\ncat/1.jpg,\n", "gives no color for cat/1.jpg"),
        ("path,split\ncat/0.jpg,train\ncat/1.jpg,holdout\n", "has a split 'holdout'"),
        (b"\xff\xfe\x00", "as CSV"),
        (",path,color\n0,cat/0.jpg,red\n1,cat/1.jpg,red\n", "a column without a name"),
        ("path,color,color\ncat/0.jpg,red,blue\ncat/1.jpg,red,blue\n", "a column or path twice"),
        ("path,color\ncat/0.jpg,red\ncat/1.jpg,red\ncat/1.jpg,blue\n", "a column or path twice"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, table, message):
    layouts.make_folder(tmp_path / "pets", classes=("cat",), images=2)
    (tmp_path / "pets" / "labels.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(UserError, match=message):
        catalog.open_dataset("folder:pets", tmp_path)


def test_a_folder_without_classes_is_refused(tmp_path):
    picture(tmp_path / "pets" / "a.jpg")
    with pytest.raises(UserError, match="is in no class folder"):
        catalog.open_dataset("folder:pets", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no images"):
        catalog.open_dataset("folder:empty", tmp_path)
    with pytest.raises(UserError, match="no folder 'nowhere'"):
        catalog.open_dataset("folder:nowhere", tmp_path)
