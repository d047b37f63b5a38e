"""ImageNet-100 (the 100 classes of CMC, Tian et al. 2019), and the test sets that share its classes.

A class is named "wnid name" in all three, so that a classifier of one can be judged on the others.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from loocbench.changes.names import CORRUPTIONS
from loocbench.data import folders
from loocbench.data.splits import by_membership, carve_validation, compact
from loocbench.errors import UserError
from loocbench.types import Dataset, Split

SEVERITIES = ("1", "2", "3", "4", "5")

# ObjectNet's folders whose ImageNet classes (its own mapping) meet the 100: exactly thirteen.
OBJECTNET = {
    "bench": "n03891251",
    "bottle_cap": "n02877765",
    "chair": "n04099969",
    "helmet": "n03379051",
    "iron_for_clothes": "n03584829",
    "jeans": "n03594734",
    "keyboard": "n03085013",
    "lampshade": "n03637318",
    "laptop_open": "n03642806",
    "mixing_salad_bowl": "n03775546",
    "safety_pin": "n04127249",
    "vacuum_cleaner": "n04517823",
    "wheel": "n02974003",
}
_OBJECTNET_BORDER = 2  # pixels; ObjectNet frames every image in red, and its paper cuts two pixels off each side


def classes() -> dict[str, str]:
    """The 100 classes: wnid -> "wnid name", sorted by wnid."""
    listing = resources.files("loocbench.data.readers") / "lists" / "imagenet100.csv"
    rows = csv.DictReader(listing.read_text(encoding="utf-8").splitlines())
    return {row["wnid"]: f"{row['wnid']} {row['name']}" for row in rows}


def imagenet100(root: Path) -> Dataset:
    """An ImageNet folder: ``train/`` and ``val/`` with a folder a class, or Kaggle's ``ILSVRC/Data/CLS-LOC/``, whose
    val is flat and has its classes in ``LOC_val_solution.csv``.

    The official val is ``test`` here (the test labels were never published); val is carved from train.
    """
    base = root / "ILSVRC" / "Data" / "CLS-LOC" if (root / "ILSVRC").is_dir() else root
    names = classes()
    found = [
        (split, f"{folder}/{wnid}/{item}", wnid)
        for split, folder in (("train", "train"), ("test", "val"))
        for wnid in names
        for item in folders.files_below(base / folder / wnid)
    ]
    found += _flat_val(root, base, names)
    of = [split for split, _, _ in found]
    if missing := {"train", "test"} - set(of):
        folder = base / ("train" if "train" in missing else "val")
        raise UserError(
            f"{folder} has no folder of ImageNet-100's classes ({next(iter(names))} …); sort the images so."
        )
    everything = _split("imagenet100", [item for _, item, _ in found], [wnid for _, _, wnid in found], names)
    splits = by_membership(everything, of, ("train", "test"))
    return folders.dataset("imagenet100", base, {**carve_validation(splits["train"], "class"), "test": splits["test"]})


def _flat_val(root: Path, base: Path, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Kaggle's validation images: (split, item, wnid), the classes being in a table beside ``ILSVRC/``."""
    table = root / "LOC_val_solution.csv"
    if not table.is_file():
        return []
    classes_of = {
        fields[0]: fields[1].split()[0]
        for fields in csv.reader(folders.read_lines(table))
        if len(fields) == 2 and fields[1].strip()
    }
    return [
        ("test", f"val/{item}", classes_of[Path(item).stem])
        for item in folders.files_below(base / "val")
        if "/" not in item and classes_of.get(Path(item).stem) in names
    ]


def imagenet_c_100(root: Path) -> Dataset:
    """ImageNet-C on the 100 classes, test only: ``[group/]corruption/severity/wnid/``, each of them a label."""
    names = classes()
    kinds = [corruption for group in CORRUPTIONS.values() for corruption in group]
    found: list[tuple[str, str, int, int]] = []
    for group, corruptions in CORRUPTIONS.items():
        for corruption in corruptions:
            base = f"{group}/{corruption}" if (root / group / corruption).is_dir() else corruption
            found.extend(
                (f"{base}/{severity}/{wnid}/{item}", wnid, kinds.index(corruption), int(severity) - 1)
                for severity in SEVERITIES
                for wnid in names
                for item in folders.files_below(root / base / severity / wnid)
            )
    if not found:
        raise UserError(f"{root} holds no corrupted images (gaussian_noise/1/n01558993/…); unpack the archives there.")
    split = _split("imagenet-c-100", [item for item, *_ in found], [wnid for _, wnid, *_ in found], names, "test")
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
    return folders.dataset("imagenet-c-100", root, {"test": test})


def objectnet13(root: Path) -> Dataset:
    """ObjectNet's thirteen classes that ImageNet-100 has too, test only: ``images/<class>/``, without its red frame."""
    names = classes()
    found = [
        (f"{folder}/{item}", wnid)
        for folder, wnid in OBJECTNET.items()
        for item in folders.files_below(root / "images" / folder)
    ]
    if not found:
        raise UserError(
            f"{root / 'images'} has none of ObjectNet's folders (bench/, chair/ …); unpack the archive there."
        )
    test = _split("objectnet13", [item for item, _ in found], [wnid for _, wnid in found], names, "test")
    return folders.dataset("objectnet13", root / "images", {"test": test}, border=_OBJECTNET_BORDER)


def _split(
    dataset: str, items: Sequence[str], wnids: Sequence[str], names: Mapping[str, str], name: str = "all"
) -> Split:
    order = {wnid: number for number, wnid in enumerate(names)}
    labels, class_names = compact([order[wnid] for wnid in wnids], dict(enumerate(names.values())))
    return Split(dataset, name, tuple(items), {"class": labels}, {"class": class_names})
