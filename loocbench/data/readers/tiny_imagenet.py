"""Tiny ImageNet (Stanford CS231n): 200 classes at 64 x 64."""

from __future__ import annotations

from pathlib import Path

from loocbench.data import folders
from loocbench.data.entry import MB, DatasetSource, Download, Entry
from loocbench.data.official import Official, list_train_and_test
from loocbench.data.readers.imagenet100 import IMAGENET_TERMS
from loocbench.data.splits import carve_validation, compact_labels, split_by_membership
from loocbench.errors import UserError
from loocbench.types import Dataset, Split

_ARCHIVE = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"


def read_tiny_imagenet(root: Path) -> Dataset:
    """Read ``tiny-imagenet-200/``: train/<wnid>/images/, val/images/ with val_annotations.txt, wnids.txt, words.txt.

    The official val is ``test`` here (the test labels were never published); val is carved from train.
    """
    wnids = sorted(folders.read_lines(root / "wnids.txt"))
    words = {}
    for line in folders.read_lines(root / "words.txt"):
        wnid, _, meaning = line.partition("\t")
        words[wnid] = meaning.split(",")[0]
    classes = [line.split("\t")[:2] for line in folders.read_lines(root / "val" / "val_annotations.txt")]
    if bad := next((fields for fields in classes if len(fields) != 2 or fields[1] not in wnids), None):
        raise UserError(
            f"{root / 'val' / 'val_annotations.txt'} has a line '{bad[0]} …' without a known class; unpack it again."
        )
    val = dict(classes)
    found = [
        ("train", f"train/{wnid}/images/{item}", wnid)
        for wnid in wnids
        for item in folders.list_images(root / "train" / wnid / "images")
    ]
    found += [
        ("test", f"val/images/{item}", val[item])
        for item in folders.list_images(root / "val" / "images")
        if item in val
    ]
    membership = [split for split, _, _ in found]
    if missing := {"train", "test"} - set(membership):
        raise UserError(
            f"{root} holds no images of {'train' if 'train' in missing else 'val'}; unpack the archive there."
        )
    labels, class_names = compact_labels(
        [wnids.index(wnid) for _, _, wnid in found],
        {number: f"{wnid} {words.get(wnid, '')}".strip() for number, wnid in enumerate(wnids)},
    )
    everything = Split(
        "tiny-imagenet", "all", tuple(item for _, item, _ in found), {"class": labels}, {"class": class_names}
    )
    splits = split_by_membership(everything, membership, ("train", "test"))
    return folders.open_image_files(
        "tiny-imagenet", root, {**carve_validation(splits["train"], "class"), "test": splits["test"]}
    )


ENTRY = Entry(
    name="tiny-imagenet",
    short="Tiny ImageNet",
    title="Tiny ImageNet: 64 x 64",
    folders=("tiny-imagenet-200", "tiny-imagenet", "tiny-imagenet-100"),
    read=read_tiny_imagenet,
    official=Official(list_train_and_test(100_000, 10_000, test_name="val"), classes=200, mean_bytes=2_000),
    source=DatasetSource(
        _ARCHIVE,
        *IMAGENET_TERMS,
        downloads=(
            Download(
                "tiny-imagenet-200.zip",
                (_ARCHIVE,),
                248_100_043,
                "md5",
                "90528d7ca1a48142e341f4ef8d21d0de",
                unpacked=300 * MB,
                gives="tiny-imagenet-200",
            ),
        ),
    ),
)
