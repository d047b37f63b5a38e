"""SHA-256 of every image file of a data set, of which its edition is made.

Files are read anyway when they are decoded, and hashed then; the digests are kept in the cache, under a key that knows
every file's name, size, times and inode. Where they are not there, the files are read.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loocbench import checksums, editions, files
from loocbench.cache import descriptions, integrity, layout, tensor_files
from loocbench.data.parallel import map_parallel
from loocbench.errors import UserError
from loocbench.progress import Reporter, Silent
from loocbench.types import ImageFiles, Split

Digests = npt.NDArray[np.uint8]  # [N, 32]

_VERSION = "1"  # raise it when a record has another form
_CHUNK = 256  # files hashed between two updates of the progress


def hash_states(folder: Path, items: Sequence[str]) -> str:
    """Return the SHA-256 over each file's name, size, times of change and inode: another one where a file was replaced.

    A program can set the modification time, but not the time of the status change (on Windows, of creation). Raises
    UserError for an item that is missing or not a file.
    """
    digest = hashlib.sha256()
    for item in items:
        try:
            state = (folder / item).stat()
        except OSError as error:
            raise UserError(f"image {folder / item} is missing; complete the data set.") from error
        if not stat.S_ISREG(state.st_mode):
            raise UserError(f"image {folder / item} is not a file; replace it.")
        known = (state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
        digest.update("\t".join([item, *map(str, known)]).encode() + b"\n")
    return digest.hexdigest()


def hash_sizes(folder: Path, items: Sequence[str]) -> str:
    """Return the SHA-256 over each file's name and size: the whole edition of rows of older versions."""
    digest = hashlib.sha256()
    for item in sorted(items):
        digest.update(f"{item}\t{(folder / item).stat().st_size}\n".encode())
    return digest.hexdigest()


def hash_contents(items: Sequence[str], digests: Digests) -> str:
    """Return the SHA-256 over each file's name and digest, in the order of the names."""
    digest = hashlib.sha256()
    for item, content in sorted(zip(items, digests, strict=True), key=lambda pair: pair[0]):
        digest.update(f"{item}\t{content.tobytes().hex()}\n".encode())
    return digest.hexdigest()


def record_path(folder: Path, items: Sequence[str], cache: Path) -> Path:
    """Return where the digests of these files, as they are now, are kept."""
    key = hashlib.sha256("\n".join([_VERSION, hash_states(folder, items)]).encode()).hexdigest()
    return layout.entry_path(cache, "digests", key)


def write_record(path: Path, split: Split, digests: Digests) -> None:
    """Keep the digests of a split's files, unless the cache cannot be written to."""
    description = {
        "kind": "digests",
        "dataset": split.dataset,
        "split": split.name,
        "images": len(split),
    }
    header, _ = tensor_files.encode_header({"digests": ("|u1", digests.shape)}, descriptions.to_metadata(description))
    with suppress(UserError), files.writing(path) as part:
        part.write_bytes(header + digests.tobytes())
        checksums.seal_file(part)


def read_record(path: Path, count: int) -> Digests | None:
    """Return the digests of ``count`` files; None where there is no record, or a damaged one."""
    try:
        if not integrity.is_whole(path):
            return None
        info = tensor_files.read_header(path)[0]["digests"]
        raw = path.read_bytes()[info.offset :]
    except (OSError, ValueError, KeyError):
        return None
    if info.shape != (count, 32):
        return None
    return np.frombuffer(raw, dtype=np.uint8).reshape(count, 32)


def hash_files(folder: Path, items: Sequence[str], update: Callable[[int], None] = lambda done: None) -> Digests:
    """Read files, in parallel, and return their digests. update(done) is called now and then. Raises UserError."""
    digests = np.zeros((len(items), 32), dtype=np.uint8)
    for begin in range(0, len(items), _CHUNK):
        chunk = map_parallel(lambda item: _hash_file(folder / item), items[begin : begin + _CHUNK])
        digests[begin : begin + len(chunk)] = [np.frombuffer(digest, dtype=np.uint8) for digest in chunk]
        update(begin + len(chunk))
    return digests


@dataclass
class FileEdition:
    """The edition of a data set of files; a call returns it (:mod:`loocbench.editions`).

    cache: where digests are kept; None for nowhere. Files are read again only if one of them changed.
    """

    source: ImageFiles
    splits: Mapping[str, Split]
    cache: Path | None = None
    reporter: Reporter = field(default_factory=Silent)
    _last: tuple[str, str] = ("", "")  # state of the files, their edition

    def __call__(self) -> str:
        """Return the edition of the files as they are now. Raises UserError."""
        items = [item for split in self.splits.values() for item in split.items]
        state = hash_states(self.source.folder, items)
        if self._last[0] != state:
            digests = [self._load(split) for split in self.splits.values()]
            content = hash_contents(items, np.concatenate(digests))
            self._last = state, editions.format_edition(content, hash_sizes(self.source.folder, items))
        return self._last[1]

    def _load(self, split: Split) -> Digests:
        """The digests of a split's files, from the cache or computed now."""
        folder = self.source.folder
        path = self.cache and record_path(folder, split.items, self.cache)
        digests = read_record(path, len(split)) if path else None
        if digests is None:
            stage = f"hash, {split.name}"
            digests = hash_files(folder, split.items, lambda done: self.reporter.update(stage, done, len(split)))
            if path and path == record_path(folder, split.items, self.cache or path):
                write_record(path, split, digests)
        return digests


def _hash_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise UserError(f"cannot read image {path}: {(error.strerror or str(error)).lower()}.") from error
