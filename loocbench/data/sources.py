"""Where each data set comes from: official addresses, sizes, published checksums, terms.

Checksums are those that the publishers, or torchvision for them, state. Sizes are the published ones, and bound what is
downloaded and unpacked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MB, GB = 10**6, 10**9
_SLACK = 1.25  # published sizes are rounded


@dataclass(frozen=True)
class Download:
    """One official file. urls: the publisher's first, then mirrors. into: the folder that it unpacks or is put into,
    below the data folder; gives: what is there then, below the data folder. unpacked: its size once unpacked, in bytes,
    about; 0 for a file that is no archive.
    """

    file: str
    urls: tuple[str, ...]
    size: int
    algorithm: Literal["md5", "sha256", ""] = ""
    digest: str = ""
    into: str = "."
    unpacked: int = 0
    gives: str = ""

    @property
    def size_limit(self) -> int:
        """Bytes after which a download is refused."""
        return int(self.size * _SLACK) + MB

    @property
    def unpacked_limit(self) -> int:
        """Bytes after which unpacking is refused."""
        return int(self.unpacked * _SLACK) + MB


@dataclass(frozen=True)
class DatasetSource:
    """Where a data set comes from. licence: in a word; terms: what else it asks for, from its page.

    by_hand: what to put where when it is not downloaded for you.
    """

    homepage: str
    licence: str
    terms: str = ""
    downloads: tuple[Download, ...] = ()
    by_hand: str = ""

    @property
    def size(self) -> int:
        """Bytes to download; 0 where nothing is downloaded."""
        return sum(download.size for download in self.downloads)


_INAT = "https://ml-inat-competition-datasets.s3.amazonaws.com"
_INAT_TERMS = ("non-commercial", "research and education; the images must not be redistributed")
_INAT_HOME = "https://github.com/visipedia/inat_comp"
_IMAGENET_TERMS = ("non-commercial", "research and education, as ImageNet's own terms say")


def _inat(year: int, folder: str, images: Download, train_md5: str, val_md5: str) -> DatasetSource:
    annotations = tuple(
        Download(
            f"{split}{year}.json.tar.gz",
            (f"{_INAT}/{year}/{split}{year}.json.tar.gz",),
            26 * MB,
            "md5",
            digest,
            into=folder,
            unpacked=400 * MB,
            gives=f"{folder}/{split}{year}.json",
        )
        for split, digest in (("train", train_md5), ("val", val_md5))
    )
    return DatasetSource(f"{_INAT_HOME}/tree/master/{year}", *_INAT_TERMS, (images, *annotations))


def _inat_archive(year: int, name: str, size: int, md5: str, folder: str) -> Download:
    gives = f"{folder}/{name.removesuffix('.tar.gz')}"
    return Download(name, (f"{_INAT}/{year}/{name}",), size, "md5", md5, into=folder, unpacked=size, gives=gives)


_INAT_2019 = _inat(
    2019,
    "inat2019",
    _inat_archive(2019, "train_val2019.tar.gz", 82 * GB, "c60a6e2962c9b8ccbd458d12c8582644", "inat2019"),
    "b06a6683537867c0d5c7a45f407a306d",
    "5cc5509b0fe495f1c8c1362612448497",
)
_INAT_2021_VAL = _inat_archive(2021, "val.tar.gz", 9 * GB, "f6f6e0e242e3d4c9569ba56400938afc", "inat2021")
_VGG = "https://www.robots.ox.ac.uk/~vgg/data"
_THOR = "https://thor.robots.ox.ac.uk/datasets/flowers-102"
_ZENODO = "https://zenodo.org/records/2235448/files"


def _flowers(file: str, size: int, md5: str, gives: str, unpacked: int = 0) -> Download:
    urls = (f"{_VGG}/flowers/102/{file}", f"{_THOR}/{file}")
    return Download(file, urls, size, "md5", md5, "flowers-102", unpacked, gives=f"flowers-102/{gives}")


def _corruptions(file: str, size: int, md5: str, gives: str) -> Download:
    return Download(file, (f"{_ZENODO}/{file}",), size, "md5", md5, "imagenet-c", size, gives=f"imagenet-c/{gives}")


SOURCES: dict[str, DatasetSource] = {
    "blooms": DatasetSource("rendered by loocbench", "Apache-2.0"),
    "cub200": DatasetSource(
        "https://www.vision.caltech.edu/datasets/cub_200_2011/",
        "non-commercial",
        "research and education",
        (
            Download(
                "CUB_200_2011.tgz",
                (
                    "https://data.caltech.edu/records/65de6-vp158/files/CUB_200_2011.tgz?download=1",
                    "http://www.vision.caltech.edu/visipedia-data/CUB-200-2011/CUB_200_2011.tgz",
                ),
                1_151 * MB,
                "md5",
                "97eceeb196236b17998738112f37df78",
                unpacked=1_250 * MB,
                gives="CUB_200_2011",
            ),
        ),
    ),
    "flowers102": DatasetSource(
        f"{_VGG}/flowers/102/",
        "not stated",
        "the page asks to cite Nilsback and Zisserman 2008",
        (
            _flowers("102flowers.tgz", 345 * MB, "52808999861908f626f3c1f4e79d11fa", "jpg", 350 * MB),
            _flowers("imagelabels.mat", 502, "e0620be6f572b9609742df49c70aed4d", "imagelabels.mat"),
            _flowers("setid.mat", 14_989, "a5357ecc9cb78c4bef273ce3793fc85c", "setid.mat"),
        ),
    ),
    "inat2017": DatasetSource(
        f"{_INAT_HOME}/tree/master/2017",
        *_INAT_TERMS,
        (
            _inat_archive(2017, "train_val_images.tar.gz", 200 * GB, "7c784ea5e424efaec655bd392f87301f", "inat2017"),
            # no checksum was ever published for this one
            Download(
                "train_val2017.zip",
                (f"{_INAT}/2017/train_val2017.zip",),
                28 * MB,
                into="inat2017",
                unpacked=400 * MB,
                gives="inat2017/train2017.json",
            ),
        ),
    ),
    "inat2018": _inat(
        2018,
        "inat2018",
        _inat_archive(2018, "train_val2018.tar.gz", 129 * GB, "b1c6952ce38f31868cc50ea72d066cc3", "inat2018"),
        "bfa29d89d629cbf04d826a720c0a68b0",
        "f2ed8bfe3e9901cdefceb4e53cd3775d",
    ),
    "inat2019": _INAT_2019,
    "inat1k": _INAT_2019,
    "inat2021": DatasetSource(
        f"{_INAT_HOME}/tree/master/2021",
        *_INAT_TERMS,
        (
            _inat_archive(2021, "train.tar.gz", 241 * GB, "e0526d53c7f7b2e3167b2b43bb2690ed", "inat2021"),
            _INAT_2021_VAL,
        ),
    ),
    "inat2021-mini": DatasetSource(
        f"{_INAT_HOME}/tree/master/2021",
        *_INAT_TERMS,
        (
            _inat_archive(2021, "train_mini.tar.gz", 45 * GB, "db6ed8330e634445efc8fec83ae81442", "inat2021"),
            _INAT_2021_VAL,
        ),
    ),
    "imagenet100": DatasetSource(
        "https://image-net.org/download.php",
        *_IMAGENET_TERMS,
        by_hand="put ImageNet's train/ and val/, each with a folder a class (n01558993/ …), into imagenet/",
    ),
    "tiny-imagenet": DatasetSource(
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        *_IMAGENET_TERMS,
        (
            Download(
                "tiny-imagenet-200.zip",
                ("http://cs231n.stanford.edu/tiny-imagenet-200.zip",),
                248_100_043,
                "md5",
                "90528d7ca1a48142e341f4ef8d21d0de",
                unpacked=300 * MB,
                gives="tiny-imagenet-200",
            ),
        ),
    ),
    "imagenet-c-100": DatasetSource(
        "https://zenodo.org/records/2235448",
        "CC BY 4.0",
        "made from ImageNet, whose own terms hold too",
        (
            _corruptions("noise.tar", 22_565_673_785, "e80562d7f6c3f8834afb1ecf27252745", "shot_noise"),
            _corruptions("blur.tar", 7_112_704_951, "2d8e81fdd8e07fef67b9334fa635e45c", "zoom_blur"),
            _corruptions("weather.tar", 12_797_438_995, "33ffea4db4d93fe4a428c40a6ce0c25d", "fog"),
            _corruptions("digital.tar", 7_757_510_705, "89157860d7b10d5797849337ca2e5c03", "pixelate"),
        ),
    ),
    "objectnet13": DatasetSource(
        "https://objectnet.dev/download.html",
        "CC BY 4.0",
        "for tests only: no parameter may be tuned on it, and the red frame must stay on published images",
        by_hand="unpack ObjectNet's archive (its page gives the password) so that objectnet-1.0/images/bench/ is there",
    ),
    "dtd": DatasetSource(
        f"{_VGG}/dtd/",
        "research",
        "",
        (
            Download(
                "dtd-r1.0.1.tar.gz",
                (f"{_VGG}/dtd/download/dtd-r1.0.1.tar.gz",),
                625 * MB,
                "md5",
                "fff73e5086ae6bdbea199a49dfb8a4c1",
                unpacked=650 * MB,
                gives="dtd",
            ),
        ),
    ),
    "car-colors": DatasetSource(
        "https://github.com/abdul-rehman18/Car-Color-Classifier",
        "not stated",
        "where its photographs come from is not stated either",
        by_hand="put one folder a colour (black/, red/ …), with photographs of such cars, into car-colors/",
    ),
    "inat-animals-20": DatasetSource(
        "https://github.com/mirna-k/iNaturalist-classicifation",
        "not stated",
        "its photographs are said to be from iNaturalist, whose terms are each photographer's",
        by_hand="put its folders SPECIES/support, SPECIES/test and SPECIES/query into inat-animals-20/",
    ),
}
