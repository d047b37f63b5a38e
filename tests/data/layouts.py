"""Official layouts in small, made of tiny pictures. Each maker returns the data folder that it was given.

At the end: what tests of several readers share.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from loocbench.data import catalog
from loocbench.data.readers.imagenet100 import read_imagenet100_classes
from loocbench.errors import UserError
from loocbench.types import Dataset
from tests.conftest import picture


def make_inat(root: Path, year: int, *, per_class: int = 12) -> Path:
    """iNaturalist before 2021: supercategory / category / image, and COCO-style annotations. Six classes."""
    folder = root / f"inat{year}"
    images = {2017: "train_val_images"}.get(year, f"train_val{year}")
    listed = {"train": [], "val": []}
    for category in range(6):
        parent = f"{('Birds', 'Plants')[category % 2]}/{f'Species {9 - category}' if year == 2017 else category}"
        for position in range(per_class):
            name = f"{images}/{parent}/{category:02d}{position:03d}.jpg"
            picture(folder / name, (30, 24 + position % 3), 100 * category + position)
            listed["val" if position % 6 == 0 else "train"].append((name, category))
    for split, entries in listed.items():
        content = {
            "images": [{"id": number, "file_name": name} for number, (name, _) in enumerate(entries)],
            "annotations": [
                {"id": number, "image_id": number, "category_id": category}
                for number, (_, category) in enumerate(entries)
            ],
            "categories": [{"id": category, "name": str(category)} for category in range(6)],
        }
        (folder / f"{split}{year}.json").write_text(json.dumps(content))
    return root


def make_inat_2021(root: Path) -> Path:
    """iNaturalist 2021: one folder per species in train, train_mini and val. Three species."""
    for number in range(3):
        species = f"{number:05d}_Animalia_Chordata_Aves_Order_Family_Genus_name{number}"
        for split, count in (("train", 10), ("train_mini", 5), ("val", 2)):
            for position in range(count):
                picture(root / "inat2021" / split / species / f"{split}{position}.jpg", (30, 24), position)
    return root


def make_imagenet(root: Path, *, classes: int = 3) -> Path:
    """ImageNet with one folder per class: the first classes of ImageNet-100, and one other class."""
    for wnid in [*list(read_imagenet100_classes())[:classes], "n01440764"]:
        for split, count in (("train", 10), ("val", 2)):
            for position in range(count):
                picture(root / "imagenet" / split / wnid / f"{wnid}_{position}.JPEG", (30, 24), position)
    return root


def make_imagenet_c(root: Path, *, grouped: bool) -> Path:
    """ImageNet-C: two corruptions at two severities on two classes, as the archives unpack or sorted into groups."""
    wnids = list(read_imagenet100_classes())[:2]
    for group, corruption in (("noise", "shot_noise"), ("weather", "fog")):
        for severity in ("1", "5"):
            for wnid in [*wnids, "n01440764"]:
                base = root / "imagenet-c" / (f"{group}/{corruption}" if grouped else corruption)
                picture(base / severity / wnid / "a.JPEG", (24, 24))
    return root


def make_objectnet(root: Path) -> Path:
    """ObjectNet: two folders that ImageNet-100 has too, one that it has not; a red frame around each picture."""
    from PIL import Image

    for folder in ("bench", "wheel", "air_freshener"):
        for position in range(3):
            path = root / "objectnet-1.0" / "images" / folder / f"{position}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            framed = Image.new("RGB", (44, 34), (255, 0, 0))
            framed.paste((0, 0, 255), (2, 2, 42, 32))
            framed.save(path)
    return root


def make_tiny_imagenet(root: Path) -> Path:
    """Tiny ImageNet: three classes."""
    folder = root / "tiny-imagenet-200"
    wnids = ["n02124075", "n01443537", "n04099969"]
    annotations = []
    for number, wnid in enumerate(wnids):
        for position in range(10):
            picture(folder / "train" / wnid / "images" / f"{wnid}_{position}.JPEG", (64, 64), position)
        for position in range(2):
            name = f"val_{2 * number + position}.JPEG"
            picture(folder / "val" / "images" / name, (64, 64), position)
            annotations.append(f"{name}\t{wnid}\t0\t0\t63\t63")
    (folder / "wnids.txt").write_text("\n".join(wnids) + "\n")
    (folder / "words.txt").write_text("n01443537\tgoldfish, Carassius auratus\nn02124075\tEgyptian cat\n")
    (folder / "val" / "val_annotations.txt").write_text("\n".join(annotations) + "\n")
    return root


def make_dtd(root: Path, *, nested: bool = False) -> Path:
    """DTD: two textures; as its archive unpacks, or as torchvision keeps it."""
    folder = root / "dtd" / "dtd" if nested else root / "dtd"
    for number, split in enumerate(("train", "val", "test")):
        names = [f"{kind}/{kind}_{number}{position}.jpg" for kind in ("banded", "woven") for position in range(3)]
        for name in names:
            picture(folder / "images" / name, (30, 24))
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels" / f"{split}1.txt").write_text("\n".join(names) + "\n")
    return root


def make_car_colors(root: Path) -> Path:
    """Cars by colour: one folder per colour, no splits."""
    make_folder(root / "car-colors", classes=("black", "red"))
    return root


def make_inat_animals(root: Path) -> Path:
    """Two species of animals, each with folders of few shots."""
    for split, images in (("support", 5), ("test", 2), ("query", 3)):
        for kind in ("Alces alces", "Bison bison"):
            for position in range(images):
                picture(root / "inat-animals-20" / kind / split / f"{split}{position}.jpg", (30, 24), position)
    return root


def make_folder(root: Path, *, classes: tuple[str, ...] = ("cat", "dog"), images: int = 10, above: str = "") -> Path:
    """A plain image folder; ``above`` is a folder over the classes."""
    for kind in classes:
        for position in range(images):
            picture(root / above / kind / f"{position}.jpg", (30, 24), position)
    return root


MAKERS: dict[str, Callable[[Path], Path]] = {
    "inat2017": lambda root: make_inat(root, 2017),
    "inat2018": lambda root: make_inat(root, 2018),
    "inat2019": lambda root: make_inat(root, 2019),
    "inat1k": lambda root: make_inat(root, 2019),
    "inat2021": make_inat_2021,
    "inat2021-mini": make_inat_2021,
    "imagenet100": make_imagenet,
    "tiny-imagenet": make_tiny_imagenet,
    "imagenet-c-100": lambda root: make_imagenet_c(root, grouped=False),
    "objectnet13": make_objectnet,
    "dtd": make_dtd,
    "car-colors": make_car_colors,
    "inat-animals-20": make_inat_animals,
}


def count_items(dataset: Dataset) -> dict[str, int]:
    """Split -> number of items."""
    return {name: len(split) for name, split in dataset.splits.items()}


def count_items_and_classes(dataset: Dataset) -> dict[str, tuple[int, int]]:
    """Split -> number of items, number of classes."""
    return {name: (len(split), len(split.class_names["class"])) for name, split in dataset.splits.items()}


def count_pairs(dataset: Dataset, *names: str) -> Counter[tuple[str, int]]:
    """The multiset of (path, class) of some splits, by default of all."""
    return Counter(
        (item, int(label))
        for name in names or dataset.splits
        for item, label in zip(dataset.splits[name].items, dataset.splits[name].labels["class"], strict=True)
    )


def assert_refused(name: str, data_dir: Path, message: str) -> None:
    """Opening the data set raises UserError with ``message`` in a single line."""
    with pytest.raises(UserError, match=message) as caught:
        catalog.open_dataset(name, data_dir)
    assert "\n" not in str(caught.value)
