"""iNaturalist 2021 (Van Horn et al. 2021), whose splits are folders; earlier years are in ``inaturalist.py``.

The competition's test labels were never published, so its validation split is ``test`` here, and ``val`` is carved from
train.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loocbench.data import folders
from loocbench.data.entry import GB, DatasetSource, Entry
from loocbench.data.official import Official, list_train_and_test
from loocbench.data.readers.inaturalist import INAT_HOMEPAGE, INAT_TERMS, describe_archive, find_image_folder
from loocbench.data.splits import carve_validation, compact_labels, split_by_membership
from loocbench.errors import UserError
from loocbench.types import Dataset, Split


def read_inat2021(root: Path) -> Dataset:
    """Read ``train/`` and ``val/`` (or torchvision's ``2021_train/`` and ``2021_valid/``)."""
    return _read_class_folders("inat2021", root, ("train", "2021_train"))


def read_inat2021_mini(root: Path) -> Dataset:
    """Read the data set with the small training split: ``train_mini/`` and ``val/`` (or torchvision's names)."""
    return _read_class_folders("inat2021-mini", root, ("train_mini", "2021_train_mini"))


def _read_class_folders(name: str, root: Path, train_folders: Sequence[str]) -> Dataset:
    """Read class folders ``00000_Animalia_…``, whose number is the label, as in torchvision."""
    found: dict[str, tuple[Path, list[str]]] = {}
    for split, names in {"train": train_folders, "test": ("val", "2021_valid")}.items():
        folder = find_image_folder(root, names)
        found[split] = (folder, folders.list_images(folder))
    items = [(split, f"{folder.name}/{item}") for split, (folder, inner) in found.items() for item in inner]
    classes = [item.split("/")[1] for _, item in items]
    if strange := next((entry for entry in classes if not entry.split("_")[0].isdecimal()), None):
        raise UserError(f"'{strange}' in {root} is not a class folder of iNaturalist 2021; move it away.")
    numbers = [int(entry.split("_")[0]) for entry in classes]
    labels, class_names = compact_labels(numbers, dict(zip(numbers, classes, strict=True)))
    everything = Split(name, "all", tuple(item for _, item in items), {"class": labels}, {"class": class_names})
    official = split_by_membership(everything, [split for split, _ in items], ("train", "test"))
    if missing := {"train", "test"} - official.keys():
        raise UserError(f"{found[min(missing)][0]} holds no images; unpack the archive there.")
    splits = {**carve_validation(official["train"], "class"), "test": official["test"]}
    return folders.open_image_files(name, root, splits)


_VAL = describe_archive(2021, "val.tar.gz", 9 * GB, "f6f6e0e242e3d4c9569ba56400938afc", "inat2021")

INAT_2021 = Entry(
    name="inat2021",
    short="iNat 2021",
    title="iNaturalist 2021",
    folders=("inat2021",),
    read=read_inat2021,
    official=Official(list_train_and_test(2_686_843, 100_000, test_name="val"), classes=10_000, mean_bytes=90_000),
    source=DatasetSource(
        f"{INAT_HOMEPAGE}/2021",
        *INAT_TERMS,
        downloads=(
            describe_archive(2021, "train.tar.gz", 241 * GB, "e0526d53c7f7b2e3167b2b43bb2690ed", "inat2021"),
            _VAL,
        ),
    ),
)

INAT_2021_MINI = Entry(
    name="inat2021-mini",
    short="iNat 2021 mini",
    title="iNaturalist 2021, small training split",
    folders=("inat2021",),
    read=read_inat2021_mini,
    official=Official(list_train_and_test(500_000, 100_000, test_name="val"), classes=10_000, mean_bytes=90_000),
    source=DatasetSource(
        f"{INAT_HOMEPAGE}/2021",
        *INAT_TERMS,
        downloads=(
            describe_archive(2021, "train_mini.tar.gz", 45 * GB, "db6ed8330e634445efc8fec83ae81442", "inat2021"),
            _VAL,
        ),
    ),
)
