"""Finding a data set by its name, finding its files, and opening it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from loocbench import configuration
from loocbench.data.entries import ENTRIES
from loocbench.data.readers import image_folder
from loocbench.data.torchvision_sets import table as torchvision_sets
from loocbench.errors import UserError, unknown
from loocbench.types import Dataset

if TYPE_CHECKING:
    from loocbench.data.entry import Entry

FOLDER_PREFIX = "folder:"
FOLDER = f"{FOLDER_PREFIX}PATH"  # as users are told


def names() -> list[str]:
    """The names of the data sets, without ``torchvision:NAME``, and ``folder:PATH``, any folder of images."""
    return list(ENTRIES)


def find_entry(name: str) -> Entry | None:
    """The entry of the data set ``name``, or None. ``torchvision:DTD`` is that of ``dtd``."""
    name = torchvision_sets.ALIASES.get(name, name)
    if name in torchvision_sets.SETS:
        return torchvision_sets.make_entry(name)
    return ENTRIES.get(name)


def entry_of(name: str) -> Entry:
    """The entry of the data set ``name``. Raises UserError with the names that exist."""
    if entry := find_entry(name):
        return entry
    if name.startswith(torchvision_sets.PREFIX):
        known = torchvision_sets.list_names()
        raise unknown("data set of torchvision", name.removeprefix(torchvision_sets.PREFIX), known)
    raise unknown("data set", name, [*names(), FOLDER], listed_by="loocbench datasets ls", always=FOLDER)


def default_data_dir() -> Path:
    """The configured folder (``$LOOCBENCH_DATA``, ``loocbench.toml``), else one in the user's cache folder."""
    return configuration.find_folder("data_dir") or platformdirs.user_cache_path("loocbench") / "data"


def find_dataset_folder(entry: Entry, data_dir: Path) -> Path | None:
    """The first of the entry's folders that exists below ``data_dir``, or None."""
    return next((data_dir / folder for folder in entry.folders if (data_dir / folder).is_dir()), None)


def open_dataset(name: str, data_dir: Path | None = None) -> Dataset:
    """Open the data set ``name``, its files below ``data_dir`` (default: :func:`default_data_dir`).

    ``folder:PATH`` opens any folder of images; PATH is looked for as it is, then below ``data_dir``. Raises UserError
    when the data set is unknown, absent or broken.
    """
    root = data_dir or default_data_dir()
    if name.startswith(FOLDER_PREFIX):
        return _open_any_folder(name.removeprefix(FOLDER_PREFIX), root)
    from loocbench.data.official import compare_with_official

    entry = entry_of(name)
    dataset = _read_entry(entry, root)
    return replace(dataset, note=dataset.note or compare_with_official(dataset, entry.official))


def _read_entry(entry: Entry, data_dir: Path) -> Dataset:
    if entry.generate:
        return entry.generate()
    folder = find_dataset_folder(entry, data_dir)
    if folder is None or entry.read is None:
        raise UserError(
            f"no {entry.name} in {data_dir}: run 'loocbench datasets prepare {entry.name}', put the data set's folder "
            f"{entry.folders[0]}/ there, or name its parent with --data-dir."
        )
    return entry.read(folder)


def _open_any_folder(path: str, data_dir: Path) -> Dataset:
    folder = next((place for place in (Path(path), data_dir / path) if path and place.is_dir()), None)
    if folder is None:
        raise UserError(f"no folder '{path}' here or in {data_dir}; write {FOLDER_PREFIX}PATH with a folder of images.")
    name = folder.resolve().name
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"the name of the folder {os.fsencode(name)!r} is not UTF-8; rename it.") from error
    return image_folder.read_image_folder(folder, f"{FOLDER_PREFIX}{name}")
