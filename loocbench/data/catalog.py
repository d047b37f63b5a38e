"""Which data sets there are, where their files are looked for, and opening one by its name."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import platformdirs

from loocbench.data import blooms
from loocbench.data.entries import ENTRIES, Entry
from loocbench.data.official import note
from loocbench.data.readers import image_folder
from loocbench.errors import UserError, unknown
from loocbench.types import Dataset

FOLDER_PREFIX = "folder:"


def names() -> list[str]:
    """The data sets that can be named; ``folder:PATH`` names any folder of images besides."""
    return list(ENTRIES)


def entry_of(name: str) -> Entry:
    """The entry of a name. Raises UserError with the names that exist."""
    if name not in ENTRIES:
        raise unknown("data set", name, [*names(), f"{FOLDER_PREFIX}PATH"])
    return ENTRIES[name]


def default_data_dir() -> Path:
    """``$LOOCBENCH_DATA``, else the user's cache folder."""
    return Path(os.environ.get("LOOCBENCH_DATA") or platformdirs.user_cache_path("loocbench") / "data")


def find_folder(entry: Entry, data_dir: Path) -> Path | None:
    """Where the files of ``entry`` lie, if anywhere."""
    return next((data_dir / folder for folder in entry.folders if (data_dir / folder).is_dir()), None)


def open_dataset(name: str, data_dir: Path | None = None) -> Dataset:
    """The data set ``name``, its files below ``data_dir``. Raises UserError when it is unknown, absent or broken.

    ``folder:PATH`` opens any folder of images; PATH is looked for as it is, then below ``data_dir``.
    """
    root = data_dir or default_data_dir()
    if name.startswith(FOLDER_PREFIX):
        return _open_folder(name.removeprefix(FOLDER_PREFIX), root)
    entry = entry_of(name)
    if entry.read is None:
        dataset = blooms.blooms()
    else:
        folder = find_folder(entry, root)
        if folder is None:
            raise UserError(
                f"no {name} in {root}: run 'loocbench datasets prepare {name}', put the data set's folder "
                f"{entry.folders[0]}/ there, or name its parent with --data-dir."
            )
        dataset = entry.read(folder)
    return replace(dataset, note=dataset.note or note(dataset, entry.official))


def _open_folder(path: str, data_dir: Path) -> Dataset:
    folder = next((place for place in (Path(path), data_dir / path) if path and place.is_dir()), None)
    if folder is None:
        raise UserError(f"no folder '{path}' here or in {data_dir}; write {FOLDER_PREFIX}PATH with a folder of images.")
    return image_folder.image_folder(folder, f"{FOLDER_PREFIX}{folder.resolve().name}")
