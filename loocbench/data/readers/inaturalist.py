"""The iNaturalist competition sets (Van Horn et al. 2018, 2021; github.com/visipedia/inat_comp).

Labels and files agree with torchvision's ``INaturalist``; the splits, which torchvision does not know before 2021, come
from the official annotation files. The competitions' test labels were never published, so their validation split is
``test`` here, and ``val`` is carved from train.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from loocbench.data import folders
from loocbench.data.splits import by_membership, carve, carve_validation, compact, join, of_strings
from loocbench.errors import UserError
from loocbench.types import Dataset, Labels, Split

MOVED_SHARE = 0.1


def inat2017(root: Path) -> Dataset:
    """iNaturalist 2017: ``train_val_images/`` (or torchvision's ``2017/``), ``train2017.json``, ``val2017.json``."""
    return _before_2021("inat2017", root, 2017, ("train_val_images", "2017"))


def inat2018(root: Path) -> Dataset:
    """iNaturalist 2018: ``train_val2018/`` (or torchvision's ``2018/``), ``train2018.json``, ``val2018.json``."""
    return _before_2021("inat2018", root, 2018, ("train_val2018", "2018"))


def inat2019(root: Path) -> Dataset:
    """iNaturalist 2019: ``train_val2019/`` (or torchvision's ``2019/``), ``train2019.json``, ``val2019.json``."""
    return _before_2021("inat2019", root, 2019, ("train_val2019", "2019"))


def inat1k(root: Path) -> Dataset:
    """iNaturalist 2019 as LooC's paper used it: a tenth of train, stratified and seeded, joins the split reported on.

    The paper says that 10 % of train were moved to validation. Which ones, and whether they joined the official
    3,030 or replaced them, is unknown: joined is this project's choice, and so is the seed.
    """
    images, splits = _official_splits("inat1k", root, 2019, ("train_val2019", "2019"))
    train, moved = carve(splits["train"], "class", share=MOVED_SHARE, name="test")
    test = join(moved, splits["test"], "test")
    return folders.dataset("inat1k", images, {**carve_validation(train, "class"), "test": test})


def inat2021(root: Path) -> Dataset:
    """iNaturalist 2021: ``train/`` and ``val/`` (or torchvision's ``2021_train/`` and ``2021_valid/``)."""
    return _from_2021("inat2021", root, ("train", "2021_train"))


def inat2021_mini(root: Path) -> Dataset:
    """iNaturalist 2021 with the small training split: ``train_mini/`` and ``val/`` (or torchvision's names)."""
    return _from_2021("inat2021-mini", root, ("train_mini", "2021_train_mini"))


def _before_2021(name: str, root: Path, year: int, image_folders: Sequence[str]) -> Dataset:
    images, splits = _official_splits(name, root, year, image_folders)
    return folders.dataset(name, images, {**carve_validation(splits["train"], "class"), "test": splits["test"]})


def _official_splits(name: str, root: Path, year: int, image_folders: Sequence[str]) -> tuple[Path, dict[str, Split]]:
    """The folder of the images, and the official train and (as test) val splits of the images that are there."""
    images = _folder(root, image_folders)
    listed = {split: _annotations(root / f"{name}{year}.json") for split, name in (("train", "train"), ("test", "val"))}
    there = set(folders.files_below(images))
    present = [
        (split, path, category)
        for split, entries in listed.items()
        for path, category in entries.items()
        if path in there
    ]
    of = [split for split, _, _ in present]
    if missing := {"train", "test"} - set(of):
        listing = "train" if "train" in missing else "val"
        raise UserError(f"{images} holds none of the images that {listing}{year}.json lists; unpack the archive there.")
    items = tuple(path for _, path, _ in present)
    labels, class_names = _labels(year, items, [category for _, _, category in present])
    everything = Split(name, "all", items, {"class": labels}, {"class": class_names})
    return images, by_membership(everything, of, ("train", "test"))


def _labels(year: int, items: Sequence[str], categories: Sequence[int]) -> tuple[Labels, tuple[str, ...]]:
    """Labels 0 .. K-1 in torchvision's order: by folder in 2017, later by the category id."""
    parents = [item.rsplit("/", 1)[0] for item in items]
    if year == 2017:
        return of_strings(parents)
    return compact(categories, dict(zip(categories, parents, strict=True)))


def _annotations(path: Path) -> dict[str, int]:
    """Image path below the images' folder -> category id, from a COCO-style annotation file. Raises UserError."""
    try:
        content = json.loads(path.read_bytes())
        names = {image["id"]: str(image["file_name"]) for image in content["images"]}
        categories = {names[entry["image_id"]]: int(entry["category_id"]) for entry in content["annotations"]}
    except OSError as error:
        raise UserError(
            f"cannot read {path}; unpack the official annotation archive {path.name}.tar.gz there."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no annotation file of iNaturalist; unpack the official one again.") from error
    folders.require_inside(categories, path)
    return {name.split("/", 1)[-1]: category for name, category in categories.items()}


def _from_2021(name: str, root: Path, train_folders: Sequence[str]) -> Dataset:
    """Class folders ``00000_Animalia_…``; their number is the label, as in torchvision."""
    found: dict[str, tuple[Path, list[str]]] = {}
    for split, names in {"train": train_folders, "test": ("val", "2021_valid")}.items():
        folder = _folder(root, names)
        found[split] = (folder, folders.files_below(folder))
    items = [(split, f"{folder.name}/{item}") for split, (folder, inner) in found.items() for item in inner]
    classes = [item.split("/")[1] for _, item in items]
    if strange := next((entry for entry in classes if not entry.split("_")[0].isdecimal()), None):
        raise UserError(f"'{strange}' in {root} is no class folder of iNaturalist 2021; move it away.")
    numbers = [int(entry.split("_")[0]) for entry in classes]
    labels, class_names = compact(numbers, dict(zip(numbers, classes, strict=True)))
    everything = Split(name, "all", tuple(item for _, item in items), {"class": labels}, {"class": class_names})
    splits = by_membership(everything, [split for split, _ in items], ("train", "test"))
    if missing := {"train", "test"} - splits.keys():
        raise UserError(f"{found[min(missing)][0]} holds no images; unpack the archive there.")
    return folders.dataset(name, root, {**carve_validation(splits["train"], "class"), "test": splits["test"]})


def _folder(root: Path, names: Sequence[str]) -> Path:
    for name in names:
        if (root / name).is_dir():
            return root / name
    raise UserError(f"{root} has no folder {names[0]}/; unpack the official archive there.")
