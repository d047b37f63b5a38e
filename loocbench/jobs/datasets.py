"""Status of the data sets on this machine, their download, and contact sheets of their images."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from filelock import FileLock, Timeout

from loocbench import files
from loocbench.data import catalog
from loocbench.data.download import unpacking
from loocbench.data.entries import ENTRIES
from loocbench.data.entry import Download, Entry
from loocbench.data.torchvision_sets import table as torchvision_sets
from loocbench.errors import UserError
from loocbench.progress import Reporter
from loocbench.report.figures import contact_sheet
from loocbench.types import Dataset, Split

DOWNLOADS = "downloads"  # below the data folder: archives, downloaded or put there by hand
SHEET_IMAGES = 40
_SHEET_SIDE = 128  # pixels

State = Literal["absent", "partial", "ready"]


@dataclass(frozen=True)
class DatasetStatus:
    """Whether a data set is on this machine. reason: why it is not ready. readable: whether it can be opened."""

    entry: Entry
    state: State
    reason: str = ""
    readable: bool = False


def list_statuses(data_dir: Path) -> list[DatasetStatus]:
    """Return the status of every data set of the catalog, and of those of torchvision that are there."""
    of_torchvision = [_get_status(catalog.entry_of(name), data_dir) for name in torchvision_sets.SETS]
    return [
        *(_get_status(entry, data_dir) for entry in ENTRIES.values()),
        *(status for status in of_torchvision if status.state != "absent"),
    ]


def _get_status(entry: Entry, data_dir: Path) -> DatasetStatus:
    if entry.generate is None and catalog.find_dataset_folder(entry, data_dir) is None:
        arrived = _count_downloaded(entry.source.downloads, data_dir)
        return (
            DatasetStatus(entry, "partial", f"{arrived / 1e6:,.0f} MB downloaded")
            if arrived
            else DatasetStatus(entry, "absent")
        )
    try:
        dataset = catalog.open_dataset(entry.name, data_dir)
    except UserError as error:
        return DatasetStatus(entry, "partial", str(error))
    state: State = "partial" if dataset.note.startswith("subset") else "ready"
    return DatasetStatus(entry, state, dataset.note, readable=True)


def _count_downloaded(downloads: Sequence[Download], data_dir: Path) -> int:
    """Return the bytes of these archives that are already in ``downloads/``."""
    places = [data_dir / DOWNLOADS / f"{one.file}{end}" for one in downloads for end in ("", ".part")]
    return sum(place.stat().st_size for place in places if place.is_file())


def prepare_dataset(
    name: str, data_dir: Path, reporter: Reporter, *, mirror: str = "", keep_archives: bool = False
) -> Dataset:
    """Download a data set, verify its checksums, unpack it and read it. A readable copy is left as it is.

    The data set's folder appears complete or not at all; archives stay in ``downloads/`` until then. Where the folder
    exists but cannot be read, only the missing parts are downloaded. Raises UserError with what to put where when a
    file cannot be downloaded, and when the disk has no room for archives and images together.
    """
    entry = catalog.entry_of(name)
    if entry.generate or _get_status(entry, data_dir).readable:
        return catalog.open_dataset(name, data_dir)
    source = entry.source
    if not source.downloads and not entry.fetch:
        raise UserError(f"{name} is not downloaded for you ({source.homepage}): {source.by_hand}, below {data_dir}.")
    if mirror and entry.fetch:
        raise UserError(f"torchvision downloads {name}, from its own addresses; leave --mirror out.")
    if mirror and not mirror.startswith(("http://", "https://")):
        raise UserError(
            f"--mirror {mirror} is not an address (https://…); put files into {data_dir / DOWNLOADS} instead."
        )
    files.require_writable(data_dir / DOWNLOADS)
    try:
        with FileLock(data_dir / DOWNLOADS / f".{entry.folders[0]}.lock", timeout=0):
            if not _get_status(entry, data_dir).readable:  # another process may have finished meanwhile
                if entry.fetch:
                    _fetch_by_library(entry, entry.fetch, data_dir)
                else:
                    _download_missing(entry, data_dir, reporter, mirror, keep_archives)
    except Timeout as error:
        raise UserError(f"another process is preparing {name} in {data_dir}; wait for it.") from error
    except OSError as error:
        raise files.write_error(data_dir, error) from error
    return catalog.open_dataset(name, data_dir)


def _download_missing(entry: Entry, data_dir: Path, reporter: Reporter, mirror: str, keep_archives: bool) -> None:
    """Download what is missing, unpack it into a staging folder, and move it into place."""
    from loocbench.data.download import fetching  # imports requests, which takes longer than a list of data sets

    for leftover in data_dir.glob(f".{entry.folders[0]}.*.part"):  # of a process that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    missing = [one for one in entry.source.downloads if not (data_dir / one.gives).exists()]
    if not missing:
        raise UserError(
            f"{_get_status(entry, data_dir).reason} Or move {data_dir / entry.folders[0]} away to download it again."
        )
    _require_room(entry, missing, data_dir)
    archives = {}
    for one in sorted(missing, key=lambda one: one.size):  # small files first: an error shows before hours are spent
        archives[one] = fetching.fetch_file(one, data_dir / DOWNLOADS, reporter, mirror=mirror)
    staging = Path(tempfile.mkdtemp(prefix=f".{entry.folders[0]}.", suffix=".part", dir=data_dir))
    try:
        for one, archive in archives.items():
            if unpacking.is_archive(one.file):
                unpacking.unpack_archive(archive, staging / one.into, limit=one.unpacked_limit, reporter=reporter)
            else:
                unpacking.copy_file(archive, staging / one.into)
            if not (staging / one.gives).exists():
                raise UserError(f"{archive} does not hold {one.gives}; delete it, then run the command again.")
        _move_into_place(entry, staging, data_dir)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if not keep_archives:
        for archive in archives.values():
            archive.unlink(missing_ok=True)


def _fetch_by_library(entry: Entry, fetch: Callable[[Path], None], data_dir: Path) -> None:
    """Have another library download into a staging folder, and move the data set's folder into place."""
    if (data_dir / entry.folders[0]).is_dir():
        raise UserError(f"{_get_status(entry, data_dir).reason}")
    staging = Path(tempfile.mkdtemp(prefix=f".{entry.folders[0]}.", suffix=".part", dir=data_dir))
    try:
        fetch(staging)
        _move_into_place(entry, staging, data_dir)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _move_into_place(entry: Entry, staging: Path, data_dir: Path) -> None:
    """Move the whole folder, after a test read; if it exists already, only the parts that it lacks."""
    fresh, place = staging / entry.folders[0], data_dir / entry.folders[0]
    if place.is_dir():
        for part in fresh.iterdir():
            if not (place / part.name).exists():
                part.rename(place / part.name)
        return
    if entry.read is not None:
        entry.read(fresh)
    fresh.rename(place)


def _require_room(entry: Entry, missing: Sequence[Download], data_dir: Path) -> None:
    """Raise UserError if the disk cannot hold archives and images together."""
    needed = sum(one.size + (one.unpacked or one.size) for one in missing) - _count_downloaded(missing, data_dir)
    free = shutil.disk_usage(data_dir).free
    if needed > free:
        raise UserError(
            f"{entry.name} takes {needed / 1e9:,.1f} GB in {data_dir} while it is unpacked, where {free / 1e9:,.1f} GB "
            "are free; free some space, or choose another --data-dir."
        )


def draw_dataset_sheet(dataset: Dataset, path: Path, *, seed: int) -> Path:
    """Draw a contact sheet of seeded samples of as many classes as fit, sorted by class. Returns ``path``."""
    split = next(iter(dataset.splits.values()))
    factor = next(iter(split.labels))
    rows = _sample_classes(split, factor, np.random.default_rng(seed))
    images = dataset.read([split.items[row] for row in rows], _SHEET_SIDE)
    captions = [contact_sheet.plain_name(split.class_names[factor][split.labels[factor][row]]) for row in rows]
    remark = f" ({dataset.note})" if dataset.note else ""
    title = f"{dataset.name}{remark}: {len(rows)} of {len(split):,} images of {split.name}, by {factor}"
    contact_sheet.draw_contact_sheet(images, captions, title, path)
    return path


def _sample_classes(split: Split, factor: str, generator: np.random.Generator) -> list[int]:
    """Return rows of ``SHEET_IMAGES`` images: one per class in random order, repeated until the sheet is full."""
    labels = split.labels[factor]
    classes = generator.permutation(np.unique(labels))
    shuffled = generator.permutation(len(split))
    by_class = {label: shuffled[labels[shuffled] == label] for label in classes[:SHEET_IMAGES]}
    chosen = [int(rows[turn]) for turn in range(SHEET_IMAGES) for rows in by_class.values() if turn < len(rows)][
        :SHEET_IMAGES
    ]
    return sorted(chosen, key=lambda row: (labels[row], row))
