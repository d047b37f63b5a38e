"""Which data sets of torchvision there are, and their entries. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from loocbench.data.entry import DatasetSource, Entry
from loocbench.data.official import Official, Part, list_train_and_test, list_train_val_test
from loocbench.types import Dataset

PREFIX = "torchvision:"
# These have readers of their own, in the same layout and with the same splits.
ALIASES = {f"{PREFIX}DTD": "dtd", f"{PREFIX}Flowers102": "flowers102"}

Arguments = Mapping[str, Mapping[str, Any]]  # our split -> the arguments that torchvision's class takes for it
_TRAIN: Arguments = {"train": {"train": True}, "test": {"train": False}}
_TRAIN_TEST: Arguments = {"train": {"split": "train"}, "test": {"split": "test"}}
_TRAIN_VAL_TEST: Arguments = {"train": {"split": "train"}, "val": {"split": "val"}, "test": {"split": "test"}}
ALL: Arguments = {"all": {}}  # without official splits

_VGG = "https://www.robots.ox.ac.uk/~vgg/data"
_CLIP = "https://github.com/openai/CLIP/blob/main/data"


@dataclass(frozen=True)
class TorchvisionSet:
    """A data set of torchvision.

    name: its class in ``torchvision.datasets``. folder: what the class keeps below its ``root``; inside: whether the
    class knows no folder of its own, so that its root is ``folder`` itself. held_in: the attribute of the class that
    has images or their files. classes: how many, which names them where torchvision does not. train_per_class,
    test_per_class: sizes of the splits that are drawn where there are no official ones; 0 for a fifth of each class as
    test, and for all others. downloads: whether torchvision can download it.
    """

    name: str
    title: str
    folder: str
    held_in: Literal["data", "samples", "_samples", "_images", "_image_files", "index"]
    splits: Arguments
    parts: tuple[Part, ...]
    classes: int
    homepage: str
    licence: str = "not stated"
    terms: str = ""
    inside: bool = False
    train_per_class: int = 0
    test_per_class: int = 0
    downloads: bool = True
    by_hand: str = ""

    @property
    def reference(self) -> str:
        """Its name here: "torchvision:CIFAR10"."""
        return PREFIX + self.name

    def root_of(self, folder: Path) -> Path:
        """Return the ``root`` that torchvision's class takes, of the data set's folder."""
        return folder if self.inside else folder.parent


_cifar = partial(
    TorchvisionSet,
    held_in="data",
    splits=_TRAIN,
    parts=list_train_and_test(50_000, 10_000),
    homepage="https://www.cs.toronto.edu/~kriz/cifar.html",
)
_digits = partial(TorchvisionSet, held_in="data", splits=_TRAIN, parts=list_train_and_test(60_000, 10_000), classes=10)

_SETS = (
    _cifar("CIFAR10", "small photographs of 10 objects", "cifar-10-batches-py", classes=10),
    _cifar("CIFAR100", "small photographs of 100 objects", "cifar-100-python", classes=100),
    TorchvisionSet(
        "STL10",
        "photographs of 10 objects",
        "stl10_binary",
        "data",
        _TRAIN_TEST,
        list_train_and_test(5_000, 8_000),
        10,
        "https://cs.stanford.edu/~acoates/stl10/",
    ),
    TorchvisionSet(
        "Food101",
        "dishes",
        "food-101",
        "_image_files",
        _TRAIN_TEST,
        list_train_and_test(75_750, 25_250),
        101,
        "https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
        licence="research",
        terms="the images are Foodspotting's",
    ),
    TorchvisionSet(
        "OxfordIIITPet",
        "breeds of cats and dogs",
        "oxford-iiit-pet",
        "_images",
        {"train": {"split": "trainval"}, "test": {"split": "test"}},
        list_train_and_test(3_680, 3_669),
        37,
        f"{_VGG}/pets/",
        licence="CC BY-SA 4.0",
    ),
    TorchvisionSet(
        "FGVCAircraft",
        "variants of aircraft",
        "fgvc-aircraft-2013b",
        "_image_files",
        _TRAIN_VAL_TEST,
        list_train_val_test(3_334, 3_333, 3_333),
        100,
        f"{_VGG}/fgvc-aircraft/",
        licence="research",
        terms="non-commercial research",
    ),
    TorchvisionSet(
        "StanfordCars",
        "makes and models of cars",
        "stanford_cars",
        "_samples",
        _TRAIN_TEST,
        list_train_and_test(8_144, 8_041),
        196,
        "https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.StanfordCars.html",
        downloads=False,
        by_hand="its first address is gone; put cars_train/, cars_test/, cars_test_annos_withlabels.mat and devkit/ "
        "into stanford_cars/",
    ),
    TorchvisionSet(
        "SUN397",
        "scenes",
        "SUN397",
        "_image_files",
        ALL,
        list_train_and_test(19_850, 19_850),
        397,
        "https://vision.princeton.edu/projects/2010/SUN/",
        train_per_class=50,
        test_per_class=50,
    ),
    TorchvisionSet(
        "Caltech101",
        "objects of 101 kinds",
        "caltech101",
        "index",
        ALL,
        list_train_and_test(3_030, 5_647),
        101,
        "https://data.caltech.edu/records/mzrjq-6wc02",
        licence="CC BY 4.0",
        train_per_class=30,
    ),
    TorchvisionSet(
        "EuroSAT",
        "satellite pictures by land use",
        "eurosat",
        "samples",
        ALL,
        (Part("all", ("train", "val", "test"), 27_000),),
        10,
        "https://github.com/phelber/EuroSAT",
        licence="MIT",
    ),
    TorchvisionSet(
        "Country211",
        "photographs by the country they were taken in",
        "country211",
        "samples",
        {"train": {"split": "train"}, "val": {"split": "valid"}, "test": {"split": "test"}},
        list_train_val_test(31_650, 10_550, 21_100),
        211,
        f"{_CLIP}/country211.md",
        terms="each photograph of YFCC100M has its own",
    ),
    TorchvisionSet(
        "SVHN",
        "digits of house numbers",
        "svhn",
        "data",
        _TRAIN_TEST,
        list_train_and_test(73_257, 26_032),
        10,
        "http://ufldl.stanford.edu/housenumbers/",
        licence="non-commercial",
        inside=True,
    ),
    TorchvisionSet(
        "GTSRB",
        "German traffic signs",
        "gtsrb",
        "_samples",
        _TRAIN_TEST,
        list_train_and_test(26_640, 12_630),
        43,
        "https://benchmark.ini.rub.de/gtsrb_news.html",
    ),
    TorchvisionSet(
        "RenderedSST2",
        "sentences as pictures, by sentiment",
        "rendered-sst2",
        "_samples",
        _TRAIN_VAL_TEST,
        list_train_val_test(6_920, 872, 1_821),
        2,
        f"{_CLIP}/rendered-sst2.md",
    ),
    TorchvisionSet(
        "Imagenette",
        "ten easy classes of ImageNet",
        "imagenette2",
        "_samples",
        {"train": {"split": "train"}, "test": {"split": "val"}},
        list_train_and_test(9_469, 3_925, test_name="val"),
        10,
        "https://github.com/fastai/imagenette",
        licence="Apache-2.0",
        terms="the images are ImageNet's",
    ),
    _digits("MNIST", "digits", "MNIST", homepage="http://yann.lecun.com/exdb/mnist/"),
    _digits(
        "FashionMNIST",
        "clothes",
        "FashionMNIST",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        licence="MIT",
    ),
    _digits(
        "KMNIST",
        "Japanese characters",
        "KMNIST",
        homepage="http://codh.rois.ac.jp/kmnist/index.html.en",
        licence="CC BY-SA 4.0",
    ),
)
SETS: dict[str, TorchvisionSet] = {one.reference: one for one in _SETS}


def list_names() -> list[str]:
    """Return the names without prefix, those with readers of their own included, sorted."""
    return sorted(name.removeprefix(PREFIX) for name in (*SETS, *ALIASES))


def make_entry(reference: str) -> Entry:
    """Return the entry of ``torchvision:NAME``. Raises KeyError for another name."""
    one = SETS[reference]
    by_hand = one.by_hand or f"put torchvision's folder {one.folder}/ there"
    return Entry(
        name=one.reference,
        short=one.name,
        title=f"{one.name} of torchvision: {one.title}",
        folders=(one.folder,),
        read=partial(_read, one),
        fetch=partial(_fetch, one) if one.downloads else None,
        official=Official(one.parts, classes=one.classes),
        source=DatasetSource(one.homepage, licence=one.licence, terms=one.terms, by_hand=by_hand),
    )


def _read(one: TorchvisionSet, folder: Path) -> Dataset:
    from loocbench.data.torchvision_sets import reading  # which imports torch

    return reading.read_torchvision_set(one, folder)


def _fetch(one: TorchvisionSet, root: Path) -> None:
    from loocbench.data.torchvision_sets import fetching

    fetching.fetch_torchvision_set(one, root)
