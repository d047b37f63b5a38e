"""ImageNet-C (Hendrycks and Dietterich 2019) on the classes of ImageNet-100: a test set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from loocbench.changes.names import CORRUPTIONS
from loocbench.data import folders
from loocbench.data.entry import DatasetSource, Download, Entry
from loocbench.data.official import Official, Part
from loocbench.data.readers.imagenet100 import make_imagenet_split, read_imagenet100_classes
from loocbench.errors import UserError
from loocbench.types import Dataset, Split

SEVERITIES = ("1", "2", "3", "4", "5")
_ZENODO = "https://zenodo.org/records/2235448"


def read_imagenet_c(root: Path) -> Dataset:
    """Read ``[group/]corruption/severity/wnid/``, of which corruption, severity and class become labels.

    There is only a test split. Raises UserError.
    """
    names = read_imagenet100_classes()
    kinds = [corruption for group in CORRUPTIONS.values() for corruption in group]
    found: list[tuple[str, str, int, int]] = []
    for group, corruptions in CORRUPTIONS.items():
        for corruption in corruptions:
            base = f"{group}/{corruption}" if (root / group / corruption).is_dir() else corruption
            found.extend(
                (f"{base}/{severity}/{wnid}/{item}", wnid, kinds.index(corruption), int(severity) - 1)
                for severity in SEVERITIES
                for wnid in names
                for item in folders.list_images(root / base / severity / wnid)
            )
    if not found:
        raise UserError(f"{root} holds no corrupted images (gaussian_noise/1/n01558993/…); unpack the archives there.")
    split = make_imagenet_split(
        "imagenet-c-100", [item for item, *_ in found], [wnid for _, wnid, *_ in found], names, "test"
    )
    extra = {
        "corruption": np.array([entry[2] for entry in found], dtype=np.int64),
        "severity": np.array([entry[3] for entry in found], dtype=np.int64),
    }
    test = Split(
        split.dataset,
        split.name,
        split.items,
        {**split.labels, **extra},
        {**split.class_names, "corruption": tuple(kinds), "severity": SEVERITIES},
    )
    return folders.open_image_files("imagenet-c-100", root, {"test": test})


def _describe_download(file: str, size: int, md5: str, gives: str) -> Download:
    url = f"{_ZENODO}/files/{file}"
    return Download(file, (url,), size, "md5", md5, "imagenet-c", size, gives=f"imagenet-c/{gives}")


ENTRY = Entry(
    name="imagenet-c-100",
    short="ImageNet-C-100",
    title="ImageNet-C on the classes of ImageNet-100",
    labels=("class", "corruption", "severity"),
    test_only=True,
    folders=("imagenet-c",),
    read=read_imagenet_c,
    official=Official((Part("test", ("test",), 375_000),), classes=100, mean_bytes=13_400),
    source=DatasetSource(
        _ZENODO,
        licence="CC BY 4.0",
        terms="made from ImageNet, whose own terms hold too",
        downloads=(
            _describe_download("noise.tar", 22_565_673_785, "e80562d7f6c3f8834afb1ecf27252745", "shot_noise"),
            _describe_download("blur.tar", 7_112_704_951, "2d8e81fdd8e07fef67b9334fa635e45c", "zoom_blur"),
            _describe_download("weather.tar", 12_797_438_995, "33ffea4db4d93fe4a428c40a6ce0c25d", "fog"),
            _describe_download("digital.tar", 7_757_510_705, "89157860d7b10d5797849337ca2e5c03", "pixelate"),
        ),
    ),
)
