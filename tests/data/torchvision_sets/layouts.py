"""Data sets of torchvision in small, in its own layouts on disk. Each maker returns the data folder."""

from __future__ import annotations

import csv
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.conftest import picture

CLASSES, PER_CLASS = 2, 6  # of each list


def noise(count: int, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random bytes [count, *shape]."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int = CLASSES * PER_CLASS) -> list[int]:
    """0, 1, 0, 1 …"""
    return [number % CLASSES for number in range(count)]


def make_cifar(root: Path, *, classes: int) -> Path:
    """Pickled batches of flat images, and the names of the classes."""
    folder = root / {10: "cifar-10-batches-py", 100: "cifar-100-python"}[classes]
    folder.mkdir(parents=True)
    key = {10: "labels", 100: "fine_labels"}[classes]
    files = {10: [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"], 100: ["train", "test"]}[classes]
    for seed, name in enumerate(files):
        batch = {"data": noise(12, (3072,), seed), key: labels()}
        (folder / name).write_bytes(pickle.dumps(batch))
    meta = {10: ("batches.meta", "label_names"), 100: ("meta", "fine_label_names")}[classes]
    (folder / meta[0]).write_bytes(pickle.dumps({meta[1]: ["cat", "dog"]}))
    return root


def make_stl10(root: Path) -> Path:
    """Binary files of images in column-major order, labels from 1; unlabelled images are a byte that nobody reads."""
    folder = root / "stl10_binary"
    folder.mkdir(parents=True)
    for seed, split in enumerate(("train", "test")):
        (folder / f"{split}_X.bin").write_bytes(noise(12, (3, 96, 96), seed).tobytes())
        (folder / f"{split}_y.bin").write_bytes(bytes(label + 1 for label in labels()))
    (folder / "unlabeled_X.bin").write_bytes(b"0")
    (folder / "class_names.txt").write_text("airplane\nbird\n")
    return root


def make_svhn(root: Path) -> Path:
    """Two files of Matlab, in which the digit 0 has the label 10."""
    from scipy.io import savemat

    folder = root / "svhn"
    folder.mkdir(parents=True)
    for seed, split in enumerate(("train", "test")):
        images = noise(12, (32, 32, 3), seed).transpose(1, 2, 3, 0)
        digits = np.array([10 if label == 0 else label for label in labels()])[:, None]
        savemat(folder / f"{split}_32x32.mat", {"X": images, "y": digits})
    return root


def make_mnist(root: Path, name: str = "MNIST") -> Path:
    """IDX files, grey."""
    folder = root / name / "raw"
    folder.mkdir(parents=True)
    for seed, split in enumerate(("train", "t10k")):
        images = noise(12, (28, 28), seed)
        (folder / f"{split}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, 12, 28, 28) + images.tobytes())
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, 12) + bytes(labels()))
    return root


def make_food(root: Path) -> Path:
    """images/CLASS/NUMBER.jpg and two lists as JSON."""
    folder = root / "food-101"
    for number, split in enumerate(("train", "test")):
        lists = {name: [f"{name}/{10 * number + n}" for n in range(PER_CLASS)] for name in ("apple_pie", "sushi")}
        for seed, item in enumerate(item for names in lists.values() for item in names):
            picture(folder / "images" / f"{item}.jpg", (30, 24), seed)
        (folder / "meta").mkdir(parents=True, exist_ok=True)
        (folder / "meta" / f"{split}.json").write_text(json.dumps(lists))
    return root


def make_pets(root: Path) -> Path:
    """images/Breed_NUMBER.jpg; lists of name, class, species, breed."""
    folder = root / "oxford-iiit-pet"
    (folder / "annotations").mkdir(parents=True)
    for number, split in enumerate(("trainval", "test")):
        lines = []
        for label, breed in enumerate(("Abyssinian", "american_bulldog"), 1):
            for position in range(PER_CLASS):
                name = f"{breed}_{10 * number + position}"
                picture(folder / "images" / f"{name}.jpg", (30, 24), position)
                lines.append(f"{name} {label} {label} 1")
        (folder / "annotations" / f"{split}.txt").write_text("\n".join(lines) + "\n")
    return root


def make_aircraft(root: Path) -> Path:
    """data/images/NUMBER.jpg, names of variants, and lists of number and variant."""
    data = root / "fgvc-aircraft-2013b" / "data"
    for number, split in enumerate(("train", "val", "test")):
        lines = []
        for position in range(CLASSES * PER_CLASS):
            name = f"{number}{position:06d}"
            picture(data / "images" / f"{name}.jpg", (40, 24), position)
            lines.append(f"{name} {('707-320', 'A380')[position % 2]}")
        (data / f"images_variant_{split}.txt").write_text("\n".join(lines) + "\n")
    (data / "variants.txt").write_text("707-320\nA380\n")
    return root


def make_cars(root: Path) -> Path:
    """Images in two folders, annotations in files of Matlab, labels from 1."""
    from scipy.io import savemat

    folder = root / "stanford_cars"
    (folder / "devkit").mkdir(parents=True)
    kind = [("fname", object), ("class", object)]
    for split, file in (("train", "devkit/cars_train_annos.mat"), ("test", "cars_test_annos_withlabels.mat")):
        listed = [(f"{number:05d}.jpg", label + 1) for number, label in enumerate(labels())]
        for number, (name, _) in enumerate(listed):
            picture(folder / f"cars_{split}" / name, (40, 24), number)
        savemat(folder / file, {"annotations": np.array(listed, dtype=kind)})
    savemat(folder / "devkit" / "cars_meta.mat", {"class_names": np.array(["Audi S5", "Jeep"], dtype=object)})
    return root


def make_sun(root: Path) -> Path:
    """LETTER/CLASS/sun_NAME.jpg, and a list of classes."""
    folder = root / "SUN397"
    for number, name in enumerate(("a/abbey", "b/bar/indoor")):
        for position in range(PER_CLASS):
            picture(folder / name / f"sun_{number}{position}.jpg", (40, 24), position)
    (folder / "ClassName.txt").write_text("/a/abbey\n/b/bar/indoor\n")
    return root


def make_caltech(root: Path) -> Path:
    """101_ObjectCategories/CLASS/image_NUMBER.jpg beside a folder that is no class, and Annotations/."""
    folder = root / "caltech101"
    for name in ("accordion", "airplanes", "BACKGROUND_Google"):
        for number in range(1, PER_CLASS + 1):
            picture(folder / "101_ObjectCategories" / name / f"image_{number:04d}.jpg", (40, 24), number)
        (folder / "Annotations" / name).mkdir(parents=True)
    return root


def make_eurosat(root: Path) -> Path:
    """2750/CLASS/NAME.jpg."""
    for name in ("Forest", "River"):
        for number in range(PER_CLASS):
            picture(root / "eurosat" / "2750" / name / f"{name}_{number}.jpg", (24, 24), number)
    return root


def make_country(root: Path) -> Path:
    """SPLIT/COUNTRY/NUMBER.jpg."""
    for split in ("train", "valid", "test"):
        for name in ("AD", "ZW"):
            for number in range(PER_CLASS):
                picture(root / "country211" / split / name / f"{number}.jpg", (30, 24), number)
    return root


def make_signs(root: Path) -> Path:
    """GTSRB/Training/CLASS/NAME.ppm, and a table of the test images."""
    from PIL import Image

    base = root / "gtsrb" / "GTSRB"
    images = noise(12, (24, 24, 3))
    for number, label in enumerate(labels()):
        for folder in (base / "Training" / f"{label:05d}", base / "Final_Test" / "Images"):
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[number]).save(folder / f"{number:05d}.ppm")
    with (root / "gtsrb" / "GT-final_test.csv").open("w", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Filename", "ClassId"])
        writer.writerows([f"{number:05d}.ppm", label] for number, label in enumerate(labels()))
    return root


def make_sst(root: Path) -> Path:
    """SPLIT/SENTIMENT/NUMBER.png."""
    from PIL import Image

    for split in ("train", "valid", "test"):
        for name in ("negative", "positive"):
            folder = root / "rendered-sst2" / split / name
            folder.mkdir(parents=True)
            for number, image in enumerate(noise(PER_CLASS, (24, 24, 3))):
                Image.fromarray(image).save(folder / f"{number}.png")
    return root


def make_imagenette(root: Path) -> Path:
    """SPLIT/WNID/NAME.JPEG."""
    for split in ("train", "val"):
        for wnid in ("n01440764", "n02102040"):
            for number in range(PER_CLASS):
                picture(root / "imagenette2" / split / wnid / f"{wnid}_{number}.JPEG", (30, 24), number)
    return root


OFFICIAL = {"train": 10, "val": 2, "test": 12}  # a fifth of six, rounded, of each class is val
DRAWN = {"train": 8, "val": 2, "test": 2}
GIVEN = {"train": 12, "val": 12, "test": 12}
MAKERS: dict[str, tuple[Callable[[Path], Path], dict[str, int], tuple[str, str]]] = {
    # name -> maker, sizes of the splits, names of the classes
    "CIFAR10": (lambda root: make_cifar(root, classes=10), {"train": 48, "val": 12, "test": 12}, ("cat", "dog")),
    "CIFAR100": (lambda root: make_cifar(root, classes=100), OFFICIAL, ("cat", "dog")),
    "STL10": (make_stl10, OFFICIAL, ("airplane", "bird")),
    "SVHN": (make_svhn, OFFICIAL, ("0", "1")),
    "MNIST": (make_mnist, OFFICIAL, ("0 - zero", "1 - one")),
    "FashionMNIST": (lambda root: make_mnist(root, "FashionMNIST"), OFFICIAL, ("T-shirt/top", "Trouser")),
    "KMNIST": (lambda root: make_mnist(root, "KMNIST"), OFFICIAL, ("o", "ki")),
    "Food101": (make_food, OFFICIAL, ("apple_pie", "sushi")),
    "OxfordIIITPet": (make_pets, OFFICIAL, ("Abyssinian", "American Bulldog")),
    "FGVCAircraft": (make_aircraft, GIVEN, ("707-320", "A380")),
    "StanfordCars": (make_cars, OFFICIAL, ("Audi S5", "Jeep")),
    "SUN397": (make_sun, DRAWN, ("abbey", "bar/indoor")),
    "Caltech101": (make_caltech, DRAWN, ("accordion", "airplanes")),
    "EuroSAT": (make_eurosat, DRAWN, ("Forest", "River")),
    "Country211": (make_country, GIVEN, ("AD", "ZW")),
    "GTSRB": (make_signs, OFFICIAL, ("0", "1")),
    "RenderedSST2": (make_sst, GIVEN, ("negative", "positive")),
    "Imagenette": (make_imagenette, OFFICIAL, ("tench", "English springer")),
}


def trust_small_files(monkeypatch) -> None:
    """Have torchvision accept files that do not have the official checksums, as its own tests do."""
    for module in ("cifar", "stl10", "svhn", "mnist"):
        monkeypatch.setattr(
            f"torchvision.datasets.{module}.check_integrity", lambda path, md5=None: Path(path).exists()
        )
