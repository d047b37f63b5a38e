"""Tiny ImageNet (Stanford CS231n): 200 classes at 64 x 64."""

from __future__ import annotations

from pathlib import Path

from loocbench.data import folders
from loocbench.data.splits import by_membership, carve_validation, compact
from loocbench.errors import UserError
from loocbench.types import Dataset, Split


def tiny_imagenet(root: Path) -> Dataset:
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
        raise UserError(f"{root / 'val' / 'val_annotations.txt'} has a line '{bad[0]} …' of no class; unpack it again.")
    val = dict(classes)
    found = [
        ("train", f"train/{wnid}/images/{item}", wnid)
        for wnid in wnids
        for item in folders.files_below(root / "train" / wnid / "images")
    ]
    found += [
        ("test", f"val/images/{item}", val[item])
        for item in folders.files_below(root / "val" / "images")
        if item in val
    ]
    of = [split for split, _, _ in found]
    if missing := {"train", "test"} - set(of):
        raise UserError(
            f"{root} holds no images of {'train' if 'train' in missing else 'val'}; unpack the archive there."
        )
    labels, class_names = compact(
        [wnids.index(wnid) for _, _, wnid in found],
        {number: f"{wnid} {words.get(wnid, '')}".strip() for number, wnid in enumerate(wnids)},
    )
    everything = Split(
        "tiny-imagenet", "all", tuple(item for _, item, _ in found), {"class": labels}, {"class": class_names}
    )
    splits = by_membership(everything, of, ("train", "test"))
    return folders.dataset(
        "tiny-imagenet", root, {**carve_validation(splits["train"], "class"), "test": splits["test"]}
    )
