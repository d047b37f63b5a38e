"""What readers of image files share: which files there are, decoding in parallel, identity, official text files."""

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


def dataset(name: str, folder: Path, splits: Mapping[str, Split], *, border: int = 0) -> Dataset:
    """The data set whose items are files below ``folder``. ``border`` pixels are cut off each side of each image."""

    def read(items: Sequence[str], short_side: int) -> list[Pixels]:
        return _in_parallel(lambda item: decoding.decode(folder / item, short_side, border=border), items)

    def sizes(items: Sequence[str], short_side: int) -> Sizes:
        every = _in_parallel(lambda item: decoding.measure(folder / item, short_side, border=border), items)
        return np.array(every, dtype=np.int64).reshape(-1, 2)

    def examine(items: Sequence[str]) -> list[str | DamagedImageError]:
        return _in_parallel(lambda item: _examined(folder / item, border), items)

    content, edition = partial(_content, folder, border), partial(_edition, folder, splits)
    return Dataset(name, splits, read, sizes, examine, content, edition, files=ImageFiles(folder, border))


def files_below(folder: Path) -> list[str]:
    """The image files below ``folder``, hidden ones left out: relative paths with forward slashes, sorted.

    Links are followed, each folder once; a link to nothing counts as no file.
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
        found.extend(prefix + name for name in names if _is_picture(Path(parent, name)))
    return sorted(found)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _is_picture(path: Path) -> bool:
    if path.name.startswith(".") or path.suffix.lower() not in EXTENSIONS:
        return False
    return not path.is_symlink() or path.exists()


def require_inside(items: Iterable[str], listed_in: Path) -> None:
    """Raise UserError for an item of an official list that would leave the data set's folder."""
    for item in items:
        path = PurePosixPath(item)
        if path.is_absolute() or ".." in path.parts or "\\" in item:
            raise UserError(f"{listed_in} names '{item}', which is outside the data set; unpack the archive again.")


def read_table(path: Path, columns: int) -> list[list[str]]:
    """The lines of an official text file, each split at blanks into ``columns`` fields. Raises UserError."""
    rows = [line.split(maxsplit=columns - 1) for line in read_lines(path)]
    for number, row in enumerate(rows, 1):
        if len(row) != columns:
            raise UserError(f"{path}, line {number}: {columns} fields expected, {len(row)} found; unpack it again.")
    return rows


def read_lines(path: Path) -> list[str]:
    """The lines of an official text file that are not blank. Raises UserError."""
    try:
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}; is {path.parent} the folder that the archive unpacks to?") from error


def _in_parallel(work: Callable[[str], T], items: Sequence[str]) -> list[T]:
    """In the order of the items. Pillow leaves the interpreter lock while it decodes, so threads suffice."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(work, items))


def _examined(path: Path, border: int) -> str | DamagedImageError:
    try:
        return decoding.examine(path, border=border)
    except DamagedImageError as error:
        return error


def _content(folder: Path, border: int, items: Sequence[str]) -> str:
    """A hash over how files are decoded and each file's name, size and time of change."""
    digest = hashlib.sha256(f"decoding v{decoding.VERSION}, border {border}".encode())
    for item in items:
        try:
            state = (folder / item).stat()
        except OSError as error:
            raise UserError(f"image {folder / item} is missing; complete the data set.") from error
        digest.update(f"{item}\t{state.st_size}\t{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _edition(folder: Path, splits: Mapping[str, Split]) -> str:
    """A hash over each file's name and size, the same on every machine."""
    digest = hashlib.sha256()
    for item in sorted(item for split in splits.values() for item in split.items):
        digest.update(f"{item}\t{(folder / item).stat().st_size}\n".encode())
    return digest.hexdigest()
