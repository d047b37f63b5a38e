"""Data sets whose items are image files: listing them, decoding in parallel, hashes, official text files."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from loocbench.data import decoding, digests
from loocbench.data.parallel import map_parallel
from loocbench.errors import DamagedImageError, UserError
from loocbench.types import BILINEAR, Dataset, ImageFiles, Interpolation, Pixels, Sizes, Split

# Formats that Pillow knows without reading them itself (stubs, Ghostscript), and those that are not pictures.
_NOT_READ = {"BUFR", "EPS", "FITS", "FLI", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"}


def open_image_files(name: str, folder: Path, splits: Mapping[str, Split], *, border: int = 0) -> Dataset:
    """A data set whose items are files below ``folder``. ``border`` pixels are cut off each side of each image.

    Raises UserError for names that are not UTF-8, or have line breaks.
    """
    _require_plain_names(folder, splits)

    def read(items: Sequence[str], short_side: int, interpolation: Interpolation = BILINEAR) -> list[Pixels]:
        decode = partial(decoding.decode_image, short_side=short_side, border=border, interpolation=interpolation)
        return map_parallel(lambda item: decode(folder / item), items)

    def sizes(items: Sequence[str], short_side: int) -> Sizes:
        every = map_parallel(lambda item: decoding.predict_size(folder / item, short_side, border=border), items)
        return np.array(every, dtype=np.int64).reshape(-1, 2)

    def examine(items: Sequence[str]) -> list[str | DamagedImageError]:
        return map_parallel(lambda item: _examine_file(folder / item, border), items)

    source = ImageFiles(folder, border)
    content, edition = partial(_hash_content, folder, border), digests.FileEdition(source, splits)
    return Dataset(name, splits, read, sizes, examine, content, edition, files=source)


@dataclass
class FolderContent:
    """What is below a folder: relative paths with forward slashes, sorted.

    images: the files that Pillow can open. folders: without hidden ones. left_out: what is not read -> how often; kinds
    are file name suffixes and, for example, "broken link".
    """

    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def list_images(folder: Path) -> list[str]:
    """The image files below ``folder``, as :func:`scan_folder` finds them."""
    return scan_folder(folder).images


def scan_folder(folder: Path) -> FolderContent:
    """List the images below ``folder``, and count what else there is.

    Symbolic links are followed, each folder once. Hidden files and folders, broken links and what is not a file are
    left out. Raises UserError for a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            return
        why = (error.strerror or str(error)).lower()
        raise UserError(f"cannot read {error.filename}: {why}; make it readable, or move it away.") from error

    content = FolderContent()
    seen: set[tuple[int, int]] = set()
    for parent, inner, names in os.walk(folder, followlinks=True, onerror=refuse):
        state = Path(parent).stat()
        if (state.st_dev, state.st_ino) in seen:
            inner.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        if hidden := sum(name.startswith(".") for name in inner):
            content.left_out["hidden"] += hidden
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        inside = Path(parent).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        content.folders.extend(prefix + name for name in inner)
        for name in names:
            if reason := _find_reason_to_skip(Path(parent, name)):
                content.left_out[reason] += 1
            else:
                content.images.append(prefix + name)
    content.images.sort()
    content.folders.sort()
    return content


@cache
def list_extensions() -> frozenset[str]:
    """The file name suffixes, in lower case, of the pictures that this installation of Pillow can open."""
    Image.init()
    known = Image.registered_extensions().items()
    return frozenset({suffix for suffix, kind in known if kind in Image.OPEN and kind not in _NOT_READ} | {".mpo"})


def _find_reason_to_skip(path: Path) -> str:
    """Why a file is not an image; empty for one that is."""
    if path.name.startswith("."):
        return "hidden"
    if path.suffix.lower() not in list_extensions():
        return path.suffix.lower() or "without suffix"
    try:
        return "" if stat.S_ISREG(path.stat().st_mode) else "not a file"
    except OSError:
        return "broken link"


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
        if not path.is_file():  # reading a FIFO would wait forever
            raise FileNotFoundError(path)
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}; is {path.parent} the folder that the archive unpacks to?") from error


def _examine_file(path: Path, border: int) -> str | DamagedImageError:
    try:
        return decoding.verify_image(path, border=border)
    except DamagedImageError as error:
        return error


def _hash_content(folder: Path, border: int, items: Sequence[str]) -> str:
    """SHA-256 over the decoder's version and each file's name and state. Raises UserError."""
    text = f"decoding v{decoding.VERSION}, border {border}, {digests.hash_states(folder, items)}"
    return hashlib.sha256(text.encode()).hexdigest()


def _require_plain_names(folder: Path, splits: Mapping[str, Split]) -> None:
    """Raise UserError for a name that could not be written into rows and lists of names."""
    for split in splits.values():
        for item in split.items:
            if any(letter in item for letter in "\n\r\t"):
                raise UserError(f"the name of {item!r} in {folder} has a line break or tab; rename it.")
            try:
                item.encode()
            except UnicodeEncodeError as error:
                raise UserError(f"the name of {os.fsencode(item)!r} in {folder} is not UTF-8; rename it.") from error
