"""What ``loocbench datasets`` does: how a data set stands, getting it, checking it, a sheet of its images."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from filelock import FileLock, Timeout

from loocbench import files
from loocbench.data import catalog
from loocbench.data.download import fetching, unpacking
from loocbench.data.entries import ENTRIES, Entry
from loocbench.errors import UserError
from loocbench.report import contact_sheet
from loocbench.types import Dataset, Split
from loocbench.watching import Watcher

DOWNLOADS = "downloads"  # below the data folder: archives, downloaded or put there by hand
SHEET_IMAGES = 40
_SHEET_SIDE = 128  # pixels

State = Literal["absent", "partial", "ready"]


@dataclass(frozen=True)
class Standing:
    """How a data set stands on this machine, and why it is not ready."""

    entry: Entry
    state: State
    reason: str = ""


def standings(data_dir: Path) -> list[Standing]:
    """Every data set of the catalog."""
    return [_standing(entry, data_dir) for entry in ENTRIES.values()]


def _standing(entry: Entry, data_dir: Path) -> Standing:
    if entry.read is not None and catalog.find_folder(entry, data_dir) is None:
        arrived = _arrived(entry, data_dir)
        return (
            Standing(entry, "partial", f"{arrived / 1e6:,.0f} MB downloaded") if arrived else Standing(entry, "absent")
        )
    try:
        dataset = catalog.open_dataset(entry.name, data_dir)
    except UserError as error:
        return Standing(entry, "partial", str(error))
    return Standing(entry, "partial" if dataset.note.startswith("subset") else "ready", dataset.note)


def _arrived(entry: Entry, data_dir: Path) -> int:
    """Bytes of the data set's archives that are there."""
    places = [data_dir / DOWNLOADS / f"{one.file}{end}" for one in entry.source.downloads for end in ("", ".part")]
    return sum(place.stat().st_size for place in places if place.is_file())


def prepare(name: str, data_dir: Path, watcher: Watcher, *, mirror: str = "", keep_archives: bool = False) -> Dataset:
    """Make a data set ready: download, verify, unpack, read. Nothing is done where it is there already.

    The data set's folder appears whole or not at all; archives stay in ``downloads/`` until then. Raises UserError with
    what to put where when it cannot be downloaded, and when the disk has no room for archives and images together.
    """
    entry = catalog.entry_of(name)
    if entry.read is None or catalog.find_folder(entry, data_dir) is not None:
        return catalog.open_dataset(name, data_dir)
    source = entry.source
    if not source.downloads:
        raise UserError(f"{name} is not downloaded for you ({source.homepage}): {source.by_hand}, below {data_dir}.")
    files.require_writable(data_dir / DOWNLOADS)
    try:
        with FileLock(data_dir / DOWNLOADS / f".{entry.folders[0]}.lock", timeout=0):
            _require_room(entry, data_dir)
            _get(entry, data_dir, watcher, mirror)
    except Timeout as error:
        raise UserError(f"another process is preparing {name} in {data_dir}; wait for it.") from error
    if not keep_archives:
        for one in source.downloads:
            (data_dir / DOWNLOADS / one.file).unlink(missing_ok=True)
    return catalog.open_dataset(name, data_dir)


def _require_room(entry: Entry, data_dir: Path) -> None:
    downloads = entry.source.downloads
    needed = sum(one.size + (one.unpacked or one.size) for one in downloads) - _arrived(entry, data_dir)
    free = shutil.disk_usage(data_dir).free
    if needed > free:
        raise UserError(
            f"{entry.name} takes {needed / 1e9:,.1f} GB in {data_dir} while it is unpacked, where {free / 1e9:,.1f} GB "
            "are free; free some space, or choose another --data-dir."
        )


def _get(entry: Entry, data_dir: Path, watcher: Watcher, mirror: str) -> None:
    """Download everything, unpack it into a staging folder, read it there, and move it into place."""
    downloads = entry.source.downloads
    archives = [fetching.fetch(one, data_dir / DOWNLOADS, watcher, mirror=mirror) for one in downloads]
    staging = Path(tempfile.mkdtemp(prefix=f".{entry.folders[0]}.", suffix=".part", dir=data_dir))
    try:
        for one, archive in zip(downloads, archives, strict=True):
            if unpacking.is_archive(one.file):
                unpacking.unpack(archive, staging / one.into, limit=one.unpacked_limit, watcher=watcher)
            else:
                unpacking.put(archive, staging / one.into)
        folder = staging / entry.folders[0]
        if not folder.is_dir():
            raise UserError(
                f"{archives[0]} does not hold {entry.folders[0]}/; delete it and run the same command again."
            )
        if entry.read is not None:
            entry.read(folder)
        try:
            folder.rename(data_dir / entry.folders[0])
        except OSError as error:
            raise files.write_error(data_dir / entry.folders[0], error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def draw_sheet(dataset: Dataset, path: Path, *, seed: int) -> Path:
    """A contact sheet of seeded samples, as many classes as fit, in the order of the classes. Returns ``path``."""
    split = next(iter(dataset.splits.values()))
    factor = next(iter(split.labels))
    rows = _one_a_class(split, factor, np.random.default_rng(seed))
    images = dataset.read([split.items[row] for row in rows], _SHEET_SIDE)
    captions = [split.class_names[factor][split.labels[factor][row]] for row in rows]
    remark = f" ({dataset.note})" if dataset.note else ""
    title = f"{dataset.name}{remark}: {len(rows)} of {len(split):,} images of {split.name}, by {factor}"
    contact_sheet.draw(images, captions, title, path)
    return path


def _one_a_class(split: Split, factor: str, generator: np.random.Generator) -> list[int]:
    """Rows of ``SHEET_IMAGES`` images: rounds over the classes in random order, until the sheet is full."""
    labels = split.labels[factor]
    classes = generator.permutation(np.unique(labels))
    shuffled = generator.permutation(len(split))
    by_class = {label: shuffled[labels[shuffled] == label] for label in classes[:SHEET_IMAGES]}
    chosen = [int(rows[turn]) for turn in range(SHEET_IMAGES) for rows in by_class.values() if turn < len(rows)][
        :SHEET_IMAGES
    ]
    return sorted(chosen, key=lambda row: (labels[row], row))
