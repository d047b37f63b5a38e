"""Any folder of images: one folder per class, optional splits, optional further labels from a CSV file."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from loocbench.data import folders, labels_file
from loocbench.data.folders import FolderContent
from loocbench.data.splits import carve_split, carve_validation, encode_labels, split_by_membership
from loocbench.errors import UserError, printable
from loocbench.types import Dataset, Split

TEST_SHARE = 0.2
_SHOWN = 3  # names in a remark
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
    any other columns, which become labels. What is left out, and splits that are not as named, stand in the remarks.
    Raises UserError for a folder that is none of these, and for a split that is named and empty.
    """
    found, table = folders.scan_folder(root), labels_file.find_table(root)
    items = found.images
    if not items:
        raise UserError(f"{root} holds no images{_format_left_out(found, table)}; name a folder that does.")
    columns = labels_file.read_table(table, items) if table else {}
    above = _name_splits(root, {item.split("/")[0] for item in items if "/" in item}, by_table="split" in columns)
    by_folders = "class" not in columns
    if by_folders:
        position = 1 if above else 0
        if flat := next((item for item in items if item.count("/") <= position), None):
            raise UserError(
                f"{root / flat} is in no class folder; sort it into one, or give a class in {labels_file.LABELS_FILE}."
            )
        columns["class"] = [item.split("/")[position] for item in items]
    if table and "split" in columns:
        named, membership = True, _read_split_column(table, columns.pop("split"))
    else:
        named, membership = _read_split_folders(root, found, above)
    factors = ["class", *sorted(columns.keys() - {"class"})]
    labels = {factor: encode_labels(columns[factor]) for factor in factors}
    everything = Split(
        name,
        "train",
        tuple(items),
        {factor: values for factor, (values, _) in labels.items()},
        {factor: names for factor, (_, names) in labels.items()},
    )
    splits = _complete_splits(root, everything, membership)
    remarks = [
        *_remark_on_files(root, found, table),
        *(_remark_on_empty_folders(root, found, 1 if above else 0) if by_folders else []),
        *(_remark_on_splits(root, set(membership)) if named else []),
        *_remark_on_classes(root, splits),
    ]
    return replace(folders.open_image_files(name, root, splits), remarks=tuple(printable(line) for line in remarks))


def _name_splits(root: Path, names: set[str], *, by_table: bool) -> bool:
    """Whether the folders above the class folders name splits. Raises UserError when only some of them do.

    by_table: whether the table names the splits, so that a class folder may be called like one.
    """
    splits = {name for name in names if name.casefold() in SPLIT_FOLDERS}
    if splits and splits != names:
        if by_table:
            return False
        raise UserError(
            f"{root} holds {min(splits)}/, which names a split, beside {min(names - splits)}/, which does not; "
            f"move one of them away, or give each image's split in {labels_file.LABELS_FILE}."
        )
    return bool(splits)


def _read_split_folders(root: Path, found: FolderContent, above: bool) -> tuple[bool, list[str]]:
    """Whether folders name splits, and each item's split; all "train" where none does.

    Raises UserError for a folder of that name without images, and where only some classes have such folders.
    """
    position = 0 if above else 1
    parts = [item.split("/") for item in found.images]
    inside = [len(part) > position + 1 and part[position].casefold() in SPLIT_FOLDERS for part in parts]
    if any(inside) and not all(inside):
        raise UserError(
            f"{root / found.images[inside.index(True)]} is in a folder that names a split, "
            f"{root / found.images[inside.index(False)]} is not; sort all images into such folders, or give each "
            f"one's split in {labels_file.LABELS_FILE}."
        )
    membership = [SPLIT_FOLDERS[part[position].casefold()] if any(inside) else "train" for part in parts]
    present = set(membership) if any(inside) else set()
    for folder in found.folders:
        *above_it, last = folder.split("/")
        split = SPLIT_FOLDERS.get(last.casefold())
        if (
            split and split not in present and len(above_it) in (0, position)
        ):  # beside class folders it is meant so, too
            raise UserError(
                f"{root / folder} names a split and holds no images that can be read{_format_left_out(found)}; "
                "put some there, or move the folder away."
            )
    return any(inside), membership


def _read_split_column(table: Path, values: Sequence[str]) -> list[str]:
    """Each item's split by the table. Raises UserError for another word."""
    if strange := {value for value in values if value.casefold() not in SPLIT_FOLDERS}:
        raise UserError(f"{table} has a split '{min(strange)}'; use train, val and test.")
    return [SPLIT_FOLDERS[value.casefold()] for value in values]


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


def _format_left_out(found: FolderContent, table: Path | None = None) -> str:
    """Returns " (left out: 2 .heic, 1 hidden)", or nothing."""
    counts = _count_left_out(found, table)
    return f" (left out: {counts})" if counts else ""


def _count_left_out(found: FolderContent, table: Path | None) -> str:
    counts = found.left_out.copy()
    if table:
        counts[table.suffix.lower()] -= 1
    return ", ".join(
        f"{count:,} {kind}" for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count > 0
    )


def _remark_on_files(root: Path, found: FolderContent, table: Path | None) -> Iterator[str]:
    if counts := _count_left_out(found, table):
        yield f"left out of {root}, since they are not images that can be read: {counts}"


def _remark_on_empty_folders(root: Path, found: FolderContent, position: int) -> Iterator[str]:
    """A line if class folders have no image that can be read."""
    classes = {item.split("/")[position] for item in found.images}
    names = {parts[position] for folder in found.folders if len(parts := folder.split("/")) == position + 1}
    if empty := sorted(names - classes):
        yield f"class folders of {root} without images that can be read: {_shorten(empty)}"


def _remark_on_splits(root: Path, named: set[str]) -> Iterator[str]:
    """A line on the splits that are made of others, though some are named."""
    carved = [name for name in ("test", "val") if name not in named]
    if carved:
        parts = " and ".join(f"a fifth of each class of train is {name}" for name in carved)
        given = [name for name in ("train", "val", "test") if name in named]
        yield f"{root} names {' and '.join(given)}, not {' and '.join(carved)}: {parts}"


def _remark_on_classes(root: Path, splits: Mapping[str, Split]) -> Iterator[str]:
    """Lines on classes that a split lacks, and on those whose names are almost equal."""
    names = splits["train"].class_names["class"]
    for split, what in (("train", "training"), ("test", "test")):
        if lacking := sorted(set(range(len(names))) - set(splits[split].labels["class"].tolist())):
            shown = _shorten([names[label] for label in lacking])
            yield f"{len(lacking):,} of {len(names):,} classes of {root} have no {what} images: {shown}"
    alike = defaultdict(list)
    for name in names:
        alike[unicodedata.normalize("NFC", name).casefold()].append(name)
    for same in alike.values():
        if len(same) > 1:
            yield f"classes of {root} whose names differ in case or encoding alone are kept apart: {_shorten(same)}"


def _shorten(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
