"""Decoding a split once, into the file that :mod:`loocbench.data.prepared` reads."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from loocbench import files
from loocbench.cache import tensor_files
from loocbench.data import decoding, folders
from loocbench.data.prepared import PreparedImages
from loocbench.errors import UserError
from loocbench.progress import Reporter
from loocbench.types import Dataset, ImageFiles, Pixels, Split

_CHUNK = 16  # images that a worker takes at a time: few, since a network may wait for them
_GROUP = 64 * _CHUNK  # images after which progress is noted on the disk: where an interrupted run goes on
_ROOM_TO_LEAVE = 64 * 2**20  # bytes

_Job = tuple[Path, int, Sequence[str], npt.NDArray[np.int64]]  # file, offset, items, their heights and widths


Arrived = Callable[[Path, int], None]


def file_of(dataset: Dataset, split: Split, short_side: int, cache: Path) -> Path:
    """Where the prepared images of ``split`` are, or will be."""
    key = hashlib.sha256("\n".join([dataset.content(split.items), str(short_side), *split.items]).encode()).hexdigest()
    name = dataset.name.replace(":", "-")
    return cache / "images" / f"{name}-{split.name}-{short_side}-{key[:16]}.safetensors"


def prepare(
    dataset: Dataset,
    split: Split,
    short_side: int,
    *,
    cache: Path,
    reporter: Reporter,
    arrived: Arrived = lambda path, count: None,
) -> PreparedImages:
    """The prepared images of ``split``, made now unless ``cache`` has them.

    The file's name is a hash of everything that determines its content: how files decode, each file's name, size and
    time of change, the short side. It appears whole or not at all; a run that was cut off goes on where it stopped. Its
    size is known from the images' headers and announced before it is made. Raises UserError when the disk has no room
    for it, and for a damaged image.

    arrived(path, count) is told while it is made that the first ``count`` images are in ``path``, a file of the same
    form; a BaseException of its own that is no Exception breaks off, like Ctrl-C.
    """
    path = file_of(dataset, split, short_side, cache)
    while True:
        _require(path, dataset, split, short_side, reporter, arrived)
        with suppress(FileNotFoundError):  # cleared away this moment
            return PreparedImages(path)


def _require(path: Path, dataset: Dataset, split: Split, short_side: int, reporter: Reporter, arrived: Arrived) -> None:
    """Make the file, unless it is there or another process makes it."""
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path.with_suffix(".lock"))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                reporter.info(f"waiting for another process that prepares {dataset.name}, {split.name}")
                lock.acquire()
        except OSError as error:
            raise files.write_error(path, error) from error
        try:
            if not path.is_file():
                _make(path, dataset, split, short_side, reporter, arrived)
        finally:
            lock.release()
    else:
        with suppress(OSError):  # another user's, or gone this moment
            os.utime(path)  # when it was last used


def _make(path: Path, dataset: Dataset, split: Split, short_side: int, reporter: Reporter, arrived: Arrived) -> None:
    part, progress = path.with_suffix(".part"), path.with_suffix(".progress")
    with ThreadPoolExecutor(folders.count_cores()) as pool:
        try:
            sizes = _measure(pool, dataset, split, short_side, reporter)
            ends = np.cumsum(sizes.prod(axis=1) * 3)
            head = _head(sizes, ends)
            begin = _finished(part, progress, head, len(split))
            _announce(path, dataset, split, short_side, begin, ends, reporter)
            if not begin:
                progress.unlink(missing_ok=True)
                part.write_bytes(head)
            os.truncate(part, len(head) + int(ends[-1]))  # readers may map it now; what is not written is zero
            arrived(part, begin)
            offsets = len(head) + np.concatenate([[0], ends])
            _decode(pool, part, progress, dataset, split, short_side, sizes, offsets, begin, reporter, arrived)
            part.replace(path)
            progress.unlink(missing_ok=True)
        except Exception as error:  # what Ctrl-C or a killed process leaves is gone on with, what failed is taken away
            part.unlink(missing_ok=True)
            progress.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise files.write_error(path, error) from error
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _announce(
    path: Path,
    dataset: Dataset,
    split: Split,
    short_side: int,
    begin: int,
    ends: npt.NDArray[np.int64],
    reporter: Reporter,
) -> None:
    """Say how much will be written where. Raises UserError when there is no room for it."""
    needed = int(ends[-1]) - (int(ends[begin - 1]) if begin else 0)
    free = shutil.disk_usage(path.parent).free
    if needed + _ROOM_TO_LEAVE > free:
        raise UserError(
            f"{dataset.name}, {split.name} at {short_side} px takes {_readable(needed)} more in {path.parent}, "
            f"where {_readable(free)} are free; free some space, or choose another --cache."
        )
    going_on = f", going on at image {begin:,}" if begin else ""
    reporter.info(
        f"preparing {dataset.name}, {split.name}: {len(split):,} images at {short_side} px, "
        f"{_readable(ends[-1])} in {path.parent}{going_on}"
    )


def _measure(
    pool: Executor, dataset: Dataset, split: Split, short_side: int, reporter: Reporter
) -> npt.NDArray[np.int64]:
    """Heights and widths [N, 2] of all images, from their headers."""
    if dataset.files is None:
        return dataset.sizes(split.items, short_side)
    chunks = [split.items[first : first + _CHUNK] for first in range(0, len(split), _CHUNK)]
    parts = []
    for part in pool.map(partial(_measure_files, dataset.files, short_side), chunks):
        parts += part
        reporter.update(f"measure, {split.name}", len(parts), len(split))
    return np.array(parts, dtype=np.int64)


def _head(sizes: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> bytes:
    """All that precedes the pixels: safetensors' header, and the index."""
    index = np.column_stack([np.concatenate([[0], ends[:-1]]), sizes]).astype("<i8")
    return tensor_files.head({"index": ("<i8", index.shape), "pixels": ("|u1", (int(ends[-1]),))})[0] + index.tobytes()


def _finished(part: Path, progress: Path, head: bytes, images: int) -> int:
    """How many images an earlier run left in ``part``, all of them on the disk."""
    try:
        with part.open("rb") as file:
            same = file.read(len(head)) == head
        done = int(progress.read_text())
    except (FileNotFoundError, ValueError):
        return 0
    return done if same and 0 <= done <= images else 0


def _decode(
    pool: Executor,
    part: Path,
    progress: Path,
    dataset: Dataset,
    split: Split,
    short_side: int,
    sizes: npt.NDArray[np.int64],
    offsets: npt.NDArray[np.int64],
    begin: int,
    reporter: Reporter,
    arrived: Arrived,
) -> None:
    """Put the images from row ``begin`` on in their places, and note after every group that it is on the disk."""
    chunks = [slice(first, min(first + _CHUNK, len(split))) for first in range(begin, len(split), _CHUNK)]
    jobs = [(part, int(offsets[rows.start]), split.items[rows], sizes[rows]) for rows in chunks]
    done: Iterable[None] = map(partial(_read, dataset, short_side), jobs)
    if dataset.files is not None:
        done = pool.map(partial(_decode_files, dataset.files, short_side), jobs)
    with part.open("r+b") as file:
        for rows, _ in zip(chunks, done, strict=True):
            if rows.stop % _GROUP == 0 or rows.stop == len(split):
                os.fsync(file.fileno())
                files.write_text(progress, str(rows.stop))
            reporter.update(f"decode, {split.name}", rows.stop, len(split))
            arrived(part, rows.stop)


def _measure_files(source: ImageFiles, short_side: int, items: Sequence[str]) -> list[tuple[int, int]]:
    return [decoding.predict_size(source.folder / item, short_side, border=source.border) for item in items]


def _decode_files(source: ImageFiles, short_side: int, job: _Job) -> None:
    _put(job, (decoding.decode_image(source.folder / item, short_side, border=source.border) for item in job[2]))


def _read(dataset: Dataset, short_side: int, job: _Job) -> None:
    _put(job, dataset.read(job[2], short_side))


def _put(job: _Job, images: Iterable[Pixels]) -> None:
    """Write consecutive images to their place in the file."""
    part, offset, items, sizes = job
    with part.open("r+b") as file:
        file.seek(offset)
        for item, image, size in zip(items, images, sizes, strict=True):
            if image.shape[:2] != tuple(size):
                raise UserError(f"image {item} changed while it was read; run the command again.")
            file.write(np.ascontiguousarray(image).data)


def _readable(count: int | np.int64) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
