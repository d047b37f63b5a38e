"""What readers of image files share: decoding in parallel, the identity of files, reading official text files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from loocbench.data import decoding
from loocbench.errors import UserError
from loocbench.types import Pixels, Split


def reader(folder: Path) -> Callable[[Sequence[str], int], list[Pixels]]:
    """A ``Dataset.read`` that decodes files below ``folder``; Pillow leaves the interpreter lock while it decodes."""

    def read(items: Sequence[str], short_side: int) -> list[Pixels]:
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            return list(pool.map(lambda item: decoding.decode(folder / item, short_side), items))

    return read


def content(folder: Path) -> Callable[[Sequence[str]], str]:
    """A ``Dataset.content``: a hash over each file's name, size and time of change."""

    def identity(items: Sequence[str]) -> str:
        digest = hashlib.sha256(f"decoding v{decoding.VERSION}".encode())
        for item in items:
            try:
                state = (folder / item).stat()
            except OSError as error:
                raise UserError(f"image {folder / item} is missing; complete the data set.") from error
            digest.update(f"{item}\t{state.st_size}\t{state.st_mtime_ns}\n".encode())
        return digest.hexdigest()

    return identity


def edition(folder: Path, splits: Mapping[str, Split]) -> Callable[[], str]:
    """A ``Dataset.edition``: a hash over each file's name and size, the same on every machine."""

    def identity() -> str:
        digest = hashlib.sha256()
        for item in sorted(item for split in splits.values() for item in split.items):
            digest.update(f"{item}\t{(folder / item).stat().st_size}\n".encode())
        return digest.hexdigest()

    return identity


def read_table(path: Path, columns: int) -> list[list[str]]:
    """The lines of an official text file, each split at blanks into ``columns`` fields. Raises UserError."""
    try:
        rows = [
            line.split(maxsplit=columns - 1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}; is {path.parent} the folder that the archive unpacks to?") from error
    for number, row in enumerate(rows, 1):
        if len(row) != columns:
            raise UserError(f"{path}, line {number}: {columns} fields expected, {len(row)} found; unpack it again.")
    return rows


def subset_note(found: int, official: int) -> str:
    """How a copy differs from the official one, or nothing."""
    return "" if found == official else f"subset {found:,} of {official:,}"
