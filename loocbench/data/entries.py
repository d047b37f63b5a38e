"""The catalog's table: each data set's folder, reader, labels, and what its official copy is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loocbench.data.official import Official, Part
from loocbench.data.readers import car_colors, cub, dtd, flowers, imagenet, inat_animals, inaturalist, tiny_imagenet
from loocbench.data.sources import SOURCES, DatasetSource
from loocbench.types import Dataset


@dataclass(frozen=True)
class Entry:
    """A data set of the catalog.

    short: the name that columns of tables show. folders: where its files lie below the data folder, the official name
    first. labels: the main one first. read: from that folder to the data set; None for the embedded one. test_only: it
    has a test split alone, so whatever is fitted is fitted on another data set.
    """

    name: str
    short: str
    title: str
    folders: tuple[str, ...]
    labels: tuple[str, ...]
    official: Official
    read: Callable[[Path], Dataset] | None = None
    test_only: bool = False

    @property
    def source(self) -> DatasetSource:
        """Where it comes from."""
        return SOURCES[self.name]


def _trained(train: int, test: int, *, test_name: str = "test") -> tuple[Part, ...]:
    """Official lists of a set whose val we carve from train."""
    return (Part("train", ("train", "val"), train), Part(test_name, ("test",), test))


def _official(train: int, val: int, test: int) -> tuple[Part, ...]:
    return (Part("train", ("train",), train), Part("val", ("val",), val), Part("test", ("test",), test))


_CLASS = ("class",)
_ENTRIES = (
    Entry(
        "blooms",
        "Blooms",
        "rendered flowers whose factors are all known",
        (),
        ("species", "color", "texture"),
        Official(
            _official(3_000, 1_000, 2_000),
            10,
            fingerprints={
                "train": "644c60032f0779c023efcd175d9182ef41db2ddf5b39e585f8e3355f7a1c3936",
                "val": "ba8f9accc93107896c9ea4038d8c885dabc45007aba0e4a61f40f2a7d6e9d5c5",
                "test": "c20bfacfa073d962d613c8be5d2c1632fd0acfc76cf91d0b6436eef8d17b9dea",
            },
        ),
    ),
    Entry(
        "cub200",
        "CUB-200",
        "CUB-200-2011: birds",
        ("CUB_200_2011",),
        _CLASS,
        Official(
            _trained(5_994, 5_794),
            200,
            mean_bytes=97_600,
            fingerprints={
                "train": "7a753917c2555cb2bd13be5ade3ca657828eed69b1e4c8f3788f2da0fe7878bf",
                "val": "96d44dfd0f4f5142dd86f1693c5fdfc180fd8ce08c22dc136c2806eaa8dbda4e",
                "test": "8153b3a76a688918688154838fd193f503921da9bd947c3c27927f7b12946f1d",
            },
        ),
        cub.cub200,
    ),
    Entry(
        "flowers102",
        "Flowers-102",
        "Oxford Flowers-102",
        ("flowers-102",),
        _CLASS,
        Official(
            _official(1_020, 1_020, 6_149),
            102,
            mean_bytes=42_100,
            fingerprints={
                "train": "9eec029e9d8751f683addc26d158edfc53215aa6399ee8aaee7e791003c8b14e",
                "val": "94665c38f533221f6d611c231261950ce07057c7da8be296c667fee66520ce75",
                "test": "d50c786f41a34c7204406991a7129bb3c086536a541443a8b517743a1ba0b7ce",
            },
        ),
        flowers.flowers102,
    ),
    Entry(
        "inat2017",
        "iNat 2017",
        "iNaturalist 2017",
        ("inat2017",),
        _CLASS,
        Official(_trained(579_184, 95_986, test_name="val"), 5_089, mean_bytes=296_000),
        inaturalist.inat2017,
    ),
    Entry(
        "inat2018",
        "iNat 2018",
        "iNaturalist 2018",
        ("inat2018",),
        _CLASS,
        Official(_trained(437_513, 24_426, test_name="val"), 8_142, mean_bytes=279_000),
        inaturalist.inat2018,
    ),
    Entry(
        "inat2019",
        "iNat 2019",
        "iNaturalist 2019",
        ("inat2019",),
        _CLASS,
        Official(_trained(265_213, 3_030, test_name="val"), 1_010, mean_bytes=296_000),
        inaturalist.inat2019,
    ),
    Entry(
        "inat1k",
        "iNat-1k",
        "iNaturalist 2019, a tenth of train moved to the reported split as in LooC's paper",
        ("inat2019",),
        _CLASS,
        Official((Part("train + val", ("train", "val", "test"), 268_243),), 1_010, mean_bytes=296_000),
        inaturalist.inat1k,
    ),
    Entry(
        "inat2021",
        "iNat 2021",
        "iNaturalist 2021",
        ("inat2021",),
        _CLASS,
        Official(_trained(2_686_843, 100_000, test_name="val"), 10_000, mean_bytes=90_000),
        inaturalist.inat2021,
    ),
    Entry(
        "inat2021-mini",
        "iNat 2021 mini",
        "iNaturalist 2021, small training split",
        ("inat2021",),
        _CLASS,
        Official(_trained(500_000, 100_000, test_name="val"), 10_000, mean_bytes=90_000),
        inaturalist.inat2021_mini,
    ),
    Entry(
        "imagenet100",
        "ImageNet-100",
        "ImageNet-100: the 100 classes of CMC",
        ("imagenet",),
        _CLASS,
        Official(_trained(126_689, 5_000, test_name="val"), 100, mean_bytes=110_000),
        imagenet.imagenet100,
    ),
    Entry(
        "tiny-imagenet",
        "Tiny ImageNet",
        "Tiny ImageNet: 64 x 64",
        ("tiny-imagenet-200", "tiny-imagenet", "tiny-imagenet-100"),
        _CLASS,
        Official(_trained(100_000, 10_000, test_name="val"), 200, mean_bytes=2_000),
        tiny_imagenet.tiny_imagenet,
    ),
    Entry(
        "imagenet-c-100",
        "ImageNet-C-100",
        "ImageNet-C on the classes of ImageNet-100",
        ("imagenet-c",),
        ("class", "corruption", "severity"),
        Official((Part("test", ("test",), 375_000),), 100, mean_bytes=13_400),
        imagenet.imagenet_c_100,
        test_only=True,
    ),
    Entry(
        "objectnet13",
        "ObjectNet-13",
        "ObjectNet's classes that ImageNet-100 has too",
        ("objectnet-1.0", "objectnet"),
        _CLASS,
        Official((Part("test", ("test",), 0),), 13),
        imagenet.objectnet13,
        test_only=True,
    ),
    Entry(
        "dtd",
        "Describable Textures",
        "Describable Textures",
        ("dtd",),
        _CLASS,
        Official(_official(1_880, 1_880, 1_880), 47, mean_bytes=110_000),
        dtd.dtd,
    ),
    Entry(
        "car-colors",
        "Cars by color",
        "cars by their colour, a folder a colour",
        ("car-colors",),
        ("color",),
        Official((), 0),  # a collection without official lists
        car_colors.car_colors,
    ),
    Entry(
        "inat-animals-20",
        "Twenty animals",
        "twenty species of animals, few-shot folders; no official set of iNaturalist's",
        ("inat-animals-20",),
        _CLASS,
        Official((), 0),  # a collection without official lists
        inat_animals.inat_animals_20,
    ),
)
ENTRIES: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
