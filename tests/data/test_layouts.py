"""Every other reader: counts, labels 0 .. K-1, official splits, agreement with torchvision on the same files."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import DTD, Flowers102, ImageFolder, INaturalist

from loocbench.data import catalog
from loocbench.data.entries import ENTRIES
from loocbench.data.official import Official, Part, compare_with_official
from loocbench.data.readers import flowers102, imagenet100, objectnet
from loocbench.errors import UserError
from tests.conftest import make_flowers, picture
from tests.data import layouts


def sizes(dataset):
    return {name: len(split) for name, split in dataset.splits.items()}


def pairs(dataset, *names):
    """The multiset of (path, label) of some splits."""
    return Counter(
        (item, int(label))
        for name in names or dataset.splits
        for item, label in zip(dataset.splits[name].items, dataset.splits[name].labels["class"], strict=True)
    )


MAKERS = {
    "inat2017": lambda root: layouts.make_inat(root, 2017),
    "inat2018": lambda root: layouts.make_inat(root, 2018),
    "inat2019": lambda root: layouts.make_inat(root, 2019),
    "inat1k": lambda root: layouts.make_inat(root, 2019),
    "inat2021": layouts.make_inat_2021,
    "inat2021-mini": layouts.make_inat_2021,
    "imagenet100": layouts.make_imagenet,
    "tiny-imagenet": layouts.make_tiny_imagenet,
    "imagenet-c-100": lambda root: layouts.make_imagenet_c(root, grouped=False),
    "objectnet13": layouts.make_objectnet,
    "dtd": layouts.make_dtd,
    "car-colors": layouts.make_car_colors,
    "inat-animals-20": layouts.make_inat_animals,
}
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


@pytest.mark.parametrize("name", MAKERS)
def test_a_layout_has_its_splits_and_labels_from_zero(tmp_path, name):
    dataset = catalog.open_dataset(name, MAKERS[name](tmp_path))
    expected, classes = EXPECTED[name]
    assert sizes(dataset) == expected
    assert dataset.name == name
    assert set(ENTRIES[name].labels) == set(next(iter(dataset.splits.values())).labels)
    every = np.concatenate([split.labels[ENTRIES[name].labels[0]] for split in dataset.splits.values()])
    assert set(every.tolist()) == set(range(classes))
    items = [item for split in dataset.splits.values() for item in split.items]
    assert len(items) == len(set(items))
    for split in dataset.splits.values():
        assert all(image.ndim == 3 for image in dataset.read(split.items[:2], 16))


@pytest.mark.parametrize("name", MAKERS)
def test_a_small_copy_is_called_a_subset(tmp_path, name):
    dataset = catalog.open_dataset(name, MAKERS[name](tmp_path))
    total = sum(sizes(dataset).values())
    images = ENTRIES[name].official.images
    if images:
        assert dataset.note.startswith(f"subset {total:,} of {images:,}")
    else:
        assert dataset.note == {"objectnet13": "altered: 2 classes instead of 13"}.get(name, "")


def test_every_entry_of_the_catalog_is_tested_here_or_beside():
    assert set(ENTRIES) == {*MAKERS, "blooms", "cub200", "flowers102"}


@pytest.mark.parametrize("year", [2017, 2018, 2019])
def test_inaturalist_before_2021_is_torchvisions(tmp_path, year):
    layouts.make_inat(tmp_path, year)
    folder = tmp_path / f"inat{year}"
    (folder / {2017: "train_val_images"}.get(year, f"train_val{year}")).rename(
        folder / str(year)
    )  # as torchvision does
    ours = catalog.open_dataset(f"inat{year}", tmp_path)
    theirs = INaturalist(folder, version=str(year))
    assert pairs(ours) == Counter((f"{theirs.all_categories[label]}/{name}", label) for label, name in theirs.index)


@pytest.mark.parametrize("name", ["inat2021", "inat2021-mini"])
def test_inaturalist_2021_is_torchvisions(tmp_path, name):
    layouts.make_inat_2021(tmp_path)
    folder = tmp_path / "inat2021"
    versions = {"train": "2021_train", "train_mini": "2021_train_mini", "val": "2021_valid"}
    for split, version in versions.items():
        (folder / split).rename(folder / version)
    ours = catalog.open_dataset(name, tmp_path)
    for version, splits in (
        ("2021_train_mini" if name.endswith("mini") else "2021_train", ("train", "val")),
        ("2021_valid", ("test",)),
    ):
        theirs = INaturalist(folder, version=version)
        expected = Counter((f"{version}/{theirs.all_categories[label]}/{file}", label) for label, file in theirs.index)
        assert pairs(ours, *splits) == expected


@pytest.mark.parametrize("nested", [False, True])
def test_dtd_is_torchvisions(tmp_path, nested):
    layouts.make_dtd(tmp_path, nested=nested)
    ours = catalog.open_dataset("dtd", tmp_path)
    if not nested:
        (tmp_path / "dtd").rename(tmp_path / "inner")
        (tmp_path / "dtd").mkdir()
        (tmp_path / "inner").rename(tmp_path / "dtd" / "dtd")
    for split in ("train", "val", "test"):
        theirs = DTD(tmp_path, split=split)
        names = [path.relative_to(theirs._images_folder).as_posix() for path in theirs._image_files]
        assert pairs(ours, split) == Counter(zip(names, theirs._labels, strict=True))


def test_a_plain_folder_is_torchvisions_image_folder(tmp_path):
    layouts.make_folder(tmp_path / "pets", classes=("dog", "cat", "axolotl"))
    picture(tmp_path / "pets" / "cat" / "deeper" / "x.png")
    ours = catalog.open_dataset(f"folder:{tmp_path / 'pets'}")
    theirs = ImageFolder(tmp_path / "pets")
    expected = Counter((Path(path).relative_to(tmp_path / "pets").as_posix(), label) for path, label in theirs.samples)
    assert pairs(ours) == expected
    assert ours.splits["train"].class_names["class"] == ("axolotl", "cat", "dog")
    assert sizes(ours) == {
        "train": 19,
        "val": 6,
        "test": 6,
    }  # of each class a fifth to test, a fifth of the rest to val
    assert ours.name == "folder:pets"


def test_the_names_of_the_flowers_are_torchvisions(tmp_path):
    if not hasattr(Flowers102, "classes"):
        pytest.skip("this torchvision does not name the flowers")
    assert flowers102.read_flower_names() == tuple(Flowers102.classes)
    tiny = catalog.open_dataset("flowers102", make_flowers(tmp_path)).splits["train"]
    assert tiny.class_names["class"] == tuple(Flowers102.classes[:3])


def test_the_paper_reallocates_a_tenth_of_inaturalist_2019(tmp_path):
    layouts.make_inat(tmp_path, 2019, per_class=24)
    whole, moved = (catalog.open_dataset(name, tmp_path) for name in ("inat2019", "inat1k"))
    assert set(whole.splits["test"].items) < set(moved.splits["test"].items)
    added = set(moved.splits["test"].items) - set(whole.splits["test"].items)
    assert Counter(item.split("/")[1] for item in added) == dict.fromkeys(map(str, range(6)), 2)  # of 20 each
    again = catalog.open_dataset("inat1k", tmp_path)
    assert {name: split.fingerprint for name, split in again.splits.items()} == {
        name: split.fingerprint for name, split in moved.splits.items()
    }


def test_imagenet_100_is_the_published_list_and_nothing_else(tmp_path):
    names = imagenet100.read_imagenet100_classes()
    assert len(names) == 100
    assert list(names)[:2] == ["n01558993", "n01692333"]
    assert names["n03642806"] == "n03642806 laptop"
    assert set(objectnet.CLASS_FOLDERS.values()) < set(names)
    assert len(objectnet.CLASS_FOLDERS) == 13
    dataset = catalog.open_dataset("imagenet100", layouts.make_imagenet(tmp_path))
    assert not [item for split in dataset.splits.values() for item in split.items if "n01440764" in item]


def test_kaggles_layout_of_imagenet_has_a_flat_val(tmp_path):
    layouts.make_imagenet(tmp_path)
    inner = tmp_path / "imagenet" / "ILSVRC" / "Data" / "CLS-LOC"
    inner.mkdir(parents=True)
    (tmp_path / "imagenet" / "train").rename(inner / "train")
    lines = ["ImageId,PredictionString"]
    for number, path in enumerate(sorted((tmp_path / "imagenet" / "val").rglob("*.JPEG"))):
        (inner / "val").mkdir(exist_ok=True)
        path.rename(inner / "val" / f"ILSVRC2012_val_{number:08d}.JPEG")
        lines.append(f"ILSVRC2012_val_{number:08d},{path.parent.name} 85 1 499 272 ")
    (tmp_path / "imagenet" / "LOC_val_solution.csv").write_text("\n".join(lines) + "\n")
    dataset = catalog.open_dataset("imagenet100", tmp_path)
    assert sizes(dataset) == EXPECTED["imagenet100"][0]
    assert np.bincount(dataset.splits["test"].labels["class"]).tolist() == [2, 2, 2]


@pytest.mark.parametrize("grouped", [False, True])
def test_corruption_and_severity_are_labels(tmp_path, grouped):
    test = catalog.open_dataset("imagenet-c-100", layouts.make_imagenet_c(tmp_path, grouped=grouped)).splits["test"]
    assert len(test.class_names["corruption"]) == 15
    for row, item in enumerate(test.items):
        corruption = test.class_names["corruption"][test.labels["corruption"][row]]
        severity = test.class_names["severity"][test.labels["severity"][row]]
        assert f"{corruption}/{severity}/" in item


def test_objectnets_red_frame_is_cut_off(tmp_path):
    dataset = catalog.open_dataset("objectnet13", layouts.make_objectnet(tmp_path))
    item = dataset.splits["test"].items[0]
    (image,) = dataset.read([item], 30)
    assert image.shape == (30, 40, 3)
    assert (image == (0, 0, 255)).all()
    assert dataset.sizes([item], 15).tolist() == [[15, 20]]


@pytest.mark.parametrize("above", [("train", "val", "test"), ("Training", "validation", "Testing")])
def test_split_folders_over_the_classes(tmp_path, above):
    for split, images in zip(above, (6, 2, 3), strict=True):
        layouts.make_folder(tmp_path / "pets", above=split, images=images)
    dataset = catalog.open_dataset("folder:pets", tmp_path)
    assert sizes(dataset) == {"train": 12, "val": 4, "test": 6}
    assert dataset.splits["train"].class_names["class"] == ("cat", "dog")


def test_split_folders_beside_others_are_refused(tmp_path):
    for above in ("train", "test", "docs"):
        layouts.make_folder(tmp_path / "pets", above=above)
    with pytest.raises(UserError, match="holds test/, which names a split, beside docs/, which does not"):
        catalog.open_dataset("folder:pets", tmp_path)


@pytest.mark.parametrize("images", [1, 2])
def test_a_folder_with_too_few_images_is_refused(tmp_path, images):
    layouts.make_folder(tmp_path / "pets", images=images)
    with pytest.raises(UserError, match="too few images to carve"):
        catalog.open_dataset("folder:pets", tmp_path)
    layouts.make_folder(tmp_path / "pets", images=3)
    assert sizes(catalog.open_dataset("folder:pets", tmp_path)) == {"train": 2, "val": 2, "test": 2}


def test_links_are_followed_once_and_to_nothing_not_at_all(tmp_path):
    layouts.make_folder(tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "pets" / "cat" / "again").symlink_to(tmp_path / "pets", target_is_directory=True)
    (tmp_path / "pets" / "cat" / "linked.jpg").symlink_to(tmp_path / "pets" / "cat" / "0.jpg")
    assert sum(sizes(catalog.open_dataset("folder:pets", tmp_path)).values()) == 21


def test_split_folders_inside_the_classes(tmp_path):
    for kind in ("cat", "dog"):
        for split, images in (("support", 5), ("query", 4), ("test", 2)):
            for position in range(images):
                picture(tmp_path / "pets" / kind / split / f"{split}{position}.jpeg")
    dataset = catalog.open_dataset("folder:pets", tmp_path)
    assert sizes(dataset) == {"train": 8, "val": 2, "test": 12}
    assert all("/support/" in item for name in ("train", "val") for item in dataset.splits[name].items)


def test_further_labels_and_splits_from_a_table(tmp_path):
    layouts.make_folder(tmp_path / "cars", classes=("old", "new"), images=4)
    rows = [
        f"{kind}/{i}.jpg,{('red', 'blue')[i % 2]},{('train', 'train', 'val', 'test')[i]}"
        for kind in ("old", "new")
        for i in range(4)
    ]
    (tmp_path / "cars" / "labels.csv").write_text("\n".join(["path,color,split", *rows]) + "\n")
    dataset = catalog.open_dataset("folder:cars", tmp_path)
    assert sizes(dataset) == {"train": 4, "val": 2, "test": 2}
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


def _break(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize(
    ("name", "spoil", "message"),
    [
        ("inat2019", lambda root: (root / "inat2019" / "val2019.json").unlink(), "annotation archive"),
        ("inat2019", lambda root: _break(root / "inat2019" / "val2019.json", "{"), "not an annotation file"),
        (
            "inat2019",
            lambda root: _break(root / "inat2019" / "val2019.json", '{"images": []}'),
            "not an annotation file",
        ),
        (
            "inat2019",
            lambda root: _break(
                root / "inat2019" / "val2019.json",
                '{"images": [{"id": 1, "file_name": "../../secret.jpg"}],'
                ' "annotations": [{"image_id": 1, "category_id": 0}]}',
            ),
            "outside the data set",
        ),
        (
            "inat2019",
            lambda root: (root / "inat2019" / "train_val2019").rename(root / "x"),
            "has no folder train_val2019",
        ),
        ("inat2021", lambda root: (root / "inat2021" / "val").rename(root / "x"), "has no folder val"),
        ("inat2021", lambda root: picture(root / "inat2021" / "val" / "stray" / "a.jpg"), "not a class folder"),
        (
            "imagenet100",
            lambda root: (root / "imagenet" / "val").rename(root / "x"),
            "no folder of ImageNet-100's classes",
        ),
        ("tiny-imagenet", lambda root: (root / "tiny-imagenet-200" / "words.txt").unlink(), "cannot read"),
        (
            "tiny-imagenet",
            lambda root: _break(root / "tiny-imagenet-200" / "val" / "val_annotations.txt", "a.JPEG\tn1\n"),
            "without a known class",
        ),
        ("dtd", lambda root: _break(root / "dtd" / "labels" / "val1.txt", "/etc/passwd\n"), "outside the data set"),
        (
            "dtd",
            lambda root: _break(root / "dtd" / "labels" / "val1.txt", "woven/no.jpg\n"),
            "lacks every image of the val",
        ),
    ],
)
def test_a_broken_copy_is_refused_in_one_line(tmp_path, name, spoil, message):
    spoil(MAKERS[name](tmp_path))
    with pytest.raises(UserError, match=message) as caught:
        catalog.open_dataset(name, tmp_path)
    assert "\n" not in str(caught.value)


OFFICIAL = Official((Part("train", ("train", "val"), 16), Part("test", ("test",), 4)), 2)


def test_a_copy_of_the_same_counts_is_official_unless_its_fingerprint_says_else(tmp_path):
    dataset = catalog.open_dataset(f"folder:{layouts.make_folder(tmp_path / 'pets')}")
    assert compare_with_official(dataset, OFFICIAL) == ""
    own = {name: split.fingerprint for name, split in dataset.splits.items()}
    assert compare_with_official(dataset, Official(OFFICIAL.parts, 2, fingerprints=own)) == ""
    other = {**own, "val": own["test"]}
    assert compare_with_official(dataset, Official(OFFICIAL.parts, 2, fingerprints=other)).startswith(
        "altered: not the official images"
    )


@pytest.mark.parametrize(
    ("official", "expected"),
    [
        (Official((Part("all", ("train", "val", "test"), 25),), 2), "subset 20 of 25"),
        (Official((Part("all", ("train", "val", "test"), 15),), 2), "altered: 20 images in all instead of 15"),
        (
            Official((Part("train", ("train", "val"), 15), Part("test", ("test",), 5)), 2),
            "altered: 16 images in train instead of 15",
        ),
        (Official(OFFICIAL.parts, 3), "altered: 2 classes instead of 3"),
        (Official(OFFICIAL.parts, 2, mean_bytes=10**6), "re-encoded"),
        (Official((Part("all", ("train", "val", "test"), 25),), 2, mean_bytes=10), "subset 20 of 25, re-encoded"),
    ],
)
def test_how_a_copy_differs_is_said(tmp_path, official, expected):
    dataset = catalog.open_dataset(f"folder:{layouts.make_folder(tmp_path / 'pets')}")
    assert compare_with_official(dataset, official) == expected


def test_recorded_counts_are_the_published_ones():
    parts = {name: [part.images for part in entry.official.parts] for name, entry in ENTRIES.items()}
    assert parts["flowers102"] == [1_020, 1_020, 6_149]
    assert parts["cub200"] == [5_994, 5_794]
    assert parts["inat2019"] == [265_213, 3_030]
    assert parts["imagenet100"] == [126_689, 5_000]
    assert ENTRIES["inat1k"].official.images == 268_243
    assert ENTRIES["inat2019"].official.classes == 1_010


def test_the_embedded_set_is_the_recorded_one():
    assert catalog.open_dataset("blooms").note == ""


@pytest.mark.realdata
def test_cubs_recorded_fingerprints_are_those_of_its_official_lists(photographs, monkeypatch):
    from loocbench.data import folders
    from loocbench.data.readers import cub200

    metadata = photographs / "CUB_200_2011_metadata"
    every = [path for _, path in folders.read_table(metadata / "images.txt", 2)]
    monkeypatch.setattr(folders, "list_images", lambda folder: every)
    dataset = cub200.read_cub200(metadata)
    found = {name: split.fingerprint for name, split in dataset.splits.items()}
    assert found == ENTRIES["cub200"].official.fingerprints


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "expected", "classes", "remark"),
    [
        ("tiny-imagenet", {"train": 16_000, "val": 4_000, "test": 5_000}, 100, "subset 25,000 of 110,000"),
        ("inat-animals-20", {"train": 80, "val": 20, "test": 300}, 20, ""),
        ("folder:car-colors", {"train": 594, "val": 148, "test": 184}, 8, ""),
    ],
)
def test_the_other_extracts(photographs, name, expected, classes, remark):
    dataset = catalog.open_dataset(name, photographs)
    assert sizes(dataset) == expected
    assert len(dataset.splits["test"].class_names["class"]) == classes
    assert dataset.note == remark
