"""Any folder of images: one folder per class, optional splits, optional further labels from a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path

from loocbench.data import folders
from loocbench.data.splits import carve_split, carve_validation, encode_labels, split_by_membership
from loocbench.errors import UserError
from loocbench.types import Dataset, Split

LABELS_FILE = "labels.csv"
TEST_SHARE = 0.2
# Folder names that mean a split, above the class folders or inside them. Few-shot extracts say support and query.
SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "support": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
    "query": "test",
}


def read_image_folder(root: Path, name: str) -> Dataset:
    """Read ``root``: ``<class>/…`` as torchvision's ``ImageFolder``, ``<split>/<class>/…`` or ``<class>/<split>/…``.

    Where there is no test or val split, a fifth of each class is carved from train for it (seeded). ``labels.csv`` may
    have a column ``path`` (relative to ``root``), a column ``class`` that replaces the folders, a column ``split``, and
    any other columns, which become labels. Raises UserError for a folder that is none of these.
    """
    items = folders.list_images(root)
    if not items:
        raise UserError(f"{root} holds no images ({', '.join(sorted(folders.EXTENSIONS))}); name a folder that does.")
    columns = _read_labels(root / LABELS_FILE, items) if (root / LABELS_FILE).is_file() else {}
    above = _name_splits(root, {item.split("/")[0] for item in items if "/" in item})
    if "class" not in columns:
        position = 1 if above else 0
        if flat := next((item for item in items if item.count("/") <= position), None):
            raise UserError(f"{root / flat} is in no class folder; sort it into one, or give a class in {LABELS_FILE}.")
        columns["class"] = [item.split("/")[position] for item in items]
    membership = columns.pop("split", None) or _read_split_folders(items, above)
    factors = ["class", *sorted(columns.keys() - {"class"})]
    labels = {factor: encode_labels(columns[factor]) for factor in factors}
    everything = Split(
        name,
        "train",
        tuple(items),
        {factor: values for factor, (values, _) in labels.items()},
        {factor: names for factor, (_, names) in labels.items()},
    )
    return folders.open_image_files(name, root, _complete_splits(root, everything, membership))


def _name_splits(root: Path, names: set[str]) -> bool:
    """Whether the folders above the class folders name splits. Raises UserError when only some of them do."""
    splits = {name for name in names if name.casefold() in SPLIT_FOLDERS}
    if splits and splits != names:
        raise UserError(
            f"{root} holds {min(splits)}/, which names a split, beside {min(names - splits)}/, which does not; "
            "move one of them away."
        )
    return bool(splits)


def _read_split_folders(items: list[str], above: bool) -> list[str]:
    """Each item's split by its folders; all "train" where no folder, or not every folder, names one."""
    position = 0 if above else 1
    parts = [item.split("/") for item in items]
    if all(len(part) > position + 1 and part[position].casefold() in SPLIT_FOLDERS for part in parts):
        return [SPLIT_FOLDERS[part[position].casefold()] for part in parts]
    return ["train"] * len(items)


def _complete_splits(root: Path, everything: Split, membership: list[str]) -> dict[str, Split]:
    """The splits train, val and test; those that the folder lacks are carved from train. Raises UserError."""
    splits = split_by_membership(everything, membership, ("train", "val", "test"))
    if "train" not in splits:
        raise UserError(f"{root} has no training images; name one of its folders train.")
    if "test" not in splits:
        splits["train"], splits["test"] = carve_split(splits["train"], "class", share=TEST_SHARE, name="test")
    if "val" not in splits:
        splits |= carve_validation(splits["train"], "class")
    if few := next((name for name, split in splits.items() if not len(split)), None):
        raise UserError(f"{root} has too few images to carve {few} out; at least three per class are needed.")
    return {name: splits[name] for name in ("train", "val", "test")}


def _read_labels(path: Path, items: list[str]) -> dict[str, list[str]]:
    """The columns of labels.csv except ``path``, in the order of ``items``. Raises UserError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file, strict=True)
            columns = [column for column in table.fieldnames or () if column != "path"]
            every = list(table)
            rows = {row["path"]: row for row in every}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot read {path} as CSV ({error}); save it as UTF-8.") from error
    except KeyError as error:
        raise UserError(f"{path} has no column 'path'; add one with each image's path in its folder.") from error
    if lost := next((item for item in items if item not in rows), None):
        raise UserError(f"{path} has no row for {lost}; add one, or move the image away.")
    if not all(columns) or len(set(columns)) != len(columns) or len(rows) != len(every):
        raise UserError(f"{path} has a column without a name, or a column or path twice; write each once.")
    there = set(items)
    if lost := next((item for item in rows if item not in there), None):
        raise UserError(f"{path} names {lost}, which is not there; take the row out.")
    for item in items:
        if blank := next((column for column in columns if not rows[item][column]), None):
            raise UserError(f"{path} gives no {blank} for {item}; fill it in.")
    values = {column: [rows[item][column] for item in items] for column in columns}
    if strange := set(values.get("split", ())) - set(SPLIT_FOLDERS):
        raise UserError(f"{path} has a split '{min(strange)}'; use train, val and test.")
    if "split" in values:
        values["split"] = [SPLIT_FOLDERS[split] for split in values["split"]]
    return values
