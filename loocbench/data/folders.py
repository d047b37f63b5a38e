"""Data sets whose items are image files: listing them, decoding in parallel, hashes, official text files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np

from loocbench.data import decoding
from loocbench.errors import DamagedImageError, UserError
from loocbench.types import Dataset, ImageFiles, Pixels, Sizes, Split

EXTENSIONS = {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"}  # torchvision's ImageFolder

T = TypeVar("T")


def open_image_files(name: str, folder: Path, splits: Mapping[str, Split], *, border: int = 0) -> Dataset:
    """A data set whose items are files below ``folder``. ``border`` pixels are cut off each side of each image."""

    def read(items: Sequence[str], short_side: int) -> list[Pixels]:
        return _map_parallel(lambda item: decoding.decode_image(folder / item, short_side, border=border), items)

    def sizes(items: Sequence[str], short_side: int) -> Sizes:
        every = _map_parallel(lambda item: decoding.predict_size(folder / item, short_side, border=border), items)
        return np.array(every, dtype=np.int64).reshape(-1, 2)

    def examine(items: Sequence[str]) -> list[str | DamagedImageError]:
        return _map_parallel(lambda item: _examine_file(folder / item, border), items)

    content, edition = partial(_hash_files, folder, border), partial(_hash_edition, folder, splits)
    return Dataset(name, splits, read, sizes, examine, content, edition, files=ImageFiles(folder, border))


def list_images(folder: Path) -> list[str]:
    """The image files below ``folder`` without hidden ones: relative paths with forward slashes, sorted.

    Symbolic links are followed, each folder once; broken links are left out.
    """
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    for parent, inner, names in os.walk(folder, followlinks=True):
        state = Path(parent).stat()
        if (state.st_dev, state.st_ino) in seen:
            inner.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        inside = Path(parent).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        found.extend(prefix + name for name in names if _is_image(Path(parent, name)))
    return sorted(found)


def count_cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _is_image(path: Path) -> bool:
    if path.name.startswith(".") or path.suffix.lower() not in EXTENSIONS:
        return False
    return not path.is_symlink() or path.exists()


def require_inside(items: Iterable[str], listed_in: Path) -> None:
    """Raise UserError if an official list names a file outside the data set's folder."""
    for item in items:
        path = PurePosixPath(item)
        if path.is_absolute() or ".." in path.parts or "\\" in item:
            raise UserError(f"{listed_in} names '{item}', which is outside the data set; unpack the archive again.")


def read_table(path: Path, columns: int) -> list[list[str]]:
    """The lines of an official text file, each split at white space into ``columns`` fields. Raises UserError."""
    rows = [line.split(maxsplit=columns - 1) for line in read_lines(path)]
    for number, row in enumerate(rows, 1):
        if len(row) != columns:
            raise UserError(f"{path}, line {number}: {columns} fields expected, {len(row)} found; unpack it again.")
    return rows


def read_lines(path: Path) -> list[str]:
    """The lines of an official text file, without blank ones. Raises UserError."""
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}; is {path.parent} the folder that the archive unpacks to?") from error


def _map_parallel(work: Callable[[str], T], items: Sequence[str]) -> list[T]:
    """``work`` of each item, in order. Pillow releases the interpreter lock while it decodes, so threads suffice."""
    with ThreadPoolExecutor(count_cores()) as pool:
        return list(pool.map(work, items))


def _examine_file(path: Path, border: int) -> str | DamagedImageError:
    try:
        return decoding.verify_image(path, border=border)
    except DamagedImageError as error:
        return error


def _hash_files(folder: Path, border: int, items: Sequence[str]) -> str:
    """SHA-256 over the decoder's version and each file's name, size and modification time. Raises UserError."""
    digest = hashlib.sha256(f"decoding v{decoding.VERSION}, border {border}".encode())
    for item in items:
        try:
            state = (folder / item).stat()
        except OSError as error:
            raise UserError(f"image {folder / item} is missing; complete the data set.") from error
        digest.update(f"{item}\t{state.st_size}\t{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _hash_edition(folder: Path, splits: Mapping[str, Split]) -> str:
    """SHA-256 over each file's name and size: the same on every machine."""
    digest = hashlib.sha256()
    for item in sorted(item for split in splits.values() for item in split.items):
        digest.update(f"{item}\t{(folder / item).stat().st_size}\n".encode())
    return digest.hexdigest()
