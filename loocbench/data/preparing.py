"""Decoding a split once, into the file that :mod:`loocbench.data.prepared` reads."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loocbench import files
from loocbench.cache import descriptions, integrity, layout, locks, tensor_files
from loocbench.cache.units import format_size
from loocbench.data import decoded_groups, decoding, digests, parallel
from loocbench.data.decoded_groups import Group
from loocbench.data.prepared import PreparedImages
from loocbench.errors import UserError
from loocbench.progress import Reporter
from loocbench.types import BILINEAR, Dataset, ImageFiles, Interpolation, Pixels, Split
from loocbench.wording import count_of

_VERSION = "2"  # raise it when the same files give other content
_CHUNK = 16  # images that a worker takes at a time: few, since a network may wait for them
_GROUP = 64 * _CHUNK  # images between two notes of the progress, from which an interrupted run goes on
_ROOM_TO_LEAVE = 64 * 2**20  # bytes

OnDecoded = Callable[[Path, int], None]


def prepared_path(
    dataset: Dataset, split: Split, short_side: int, cache: Path, interpolation: Interpolation = BILINEAR
) -> Path:
    """Where the prepared images of ``split`` are, or will be."""
    how = [] if interpolation == BILINEAR else [interpolation]
    determined = [_VERSION, *how, dataset.name, split.name, str(short_side), dataset.content(split.items), *split.items]
    return layout.entry_path(cache, "images", hashlib.sha256("\n".join(determined).encode()).hexdigest())


def prepare(
    dataset: Dataset,
    split: Split,
    short_side: int,
    *,
    cache: Path,
    reporter: Reporter,
    on_decoded: OnDecoded = lambda path, count: None,
    interpolation: Interpolation = BILINEAR,
) -> PreparedImages:
    """The prepared images of ``split``, decoded now unless ``cache`` has them.

    The file's name is a hash of everything that determines its content: how files decode, each file's name, size,
    times of change and inode, the short side, and how it is resized if not bilinearly. It appears whole or not at all;
    an interrupted run resumes where it stopped. Its size is known from the images' headers and announced beforehand.
    The SHA-256 of the files are kept, too (:mod:`loocbench.data.digests`). Raises UserError when the disk has no room
    for it, for a damaged image, and for files that change meanwhile.

    on_decoded(path, count) is called during decoding whenever the first ``count`` images are in ``path``, a file of the
    same form. A BaseException of its own that is not an Exception stops decoding as Ctrl-C does.
    """
    path = prepared_path(dataset, split, short_side, cache, interpolation)
    while True:
        if not integrity.is_there(path, reporter):
            with locks.locked(layout.lock_path(path), f"prepares {dataset.name}, {split.name}", reporter):
                if not integrity.is_there(path, reporter):
                    _Preparation(dataset, split, short_side, path, reporter, on_decoded, interpolation).run()
        with suppress(FileNotFoundError):  # pruned this moment
            return PreparedImages(path)


@dataclass(frozen=True)
class _Chunk:
    """Consecutive images. offset: of the first one's pixels in the file. sizes: int64 [N, 2], heights and widths."""

    part: Path
    offset: int
    items: Sequence[str]
    sizes: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Preparation:
    """One split that is decoded into ``path``, whose lock is held."""

    dataset: Dataset
    split: Split
    short_side: int
    path: Path
    reporter: Reporter
    on_decoded: OnDecoded
    interpolation: Interpolation

    def run(self) -> None:
        """Decode into a part file and rename it. After Ctrl-C or a kill the part stays, after an error nothing."""
        part, progress = layout.part_path(self.path), layout.progress_path(self.path)
        with ThreadPoolExecutor(parallel.count_cores()) as pool:
            try:
                sizes = self._measure_sizes(pool)
                ends = np.cumsum(sizes.prod(axis=1) * 3)  # of each image's pixels, in bytes
                header = self._encode_header(sizes, ends)
                offsets = len(header) + np.concatenate([[0], ends])
                groups = decoded_groups.read_groups(part, progress, header, offsets)
                begin = groups[-1][0] if groups else 0
                self._announce(begin, ends)
                if not begin:
                    progress.unlink(missing_ok=True)
                    part.write_bytes(header)
                os.truncate(part, len(header) + int(ends[-1]))  # readers may map it now; what is not written is zero
                self.on_decoded(part, begin)
                hashed = self._decode(pool, sizes, offsets, groups)
                if self.path != prepared_path(
                    self.dataset, self.split, self.short_side, self._cache, self.interpolation
                ):
                    raise UserError(f"images of {self.dataset.name} changed while they were read; run it again.")
                integrity.publish(part, self.path)
                progress.unlink(missing_ok=True)
                if self.dataset.files is not None:
                    self._keep_digests(self.dataset.files, begin, hashed)
            except Exception as error:
                part.unlink(missing_ok=True)
                progress.unlink(missing_ok=True)
                if isinstance(error, OSError):
                    raise files.write_error(self.path, error) from error
                raise
            finally:
                pool.shutdown(cancel_futures=True)

    def _measure_sizes(self, pool: Executor) -> npt.NDArray[np.int64]:
        """Heights and widths [N, 2] of all images, from their headers."""
        if self.dataset.files is None:
            return self.dataset.sizes(self.split.items, self.short_side)
        chunks = [self.split.items[first : first + _CHUNK] for first in range(0, len(self.split), _CHUNK)]
        sizes = []
        for part in pool.map(partial(_measure_files, self.dataset.files, self.short_side), chunks):
            sizes += part
            self.reporter.update(f"measure, {self.split.name}", len(sizes), len(self.split))
        return np.array(sizes, dtype=np.int64)

    def _encode_header(self, sizes: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> bytes:
        """All bytes before the pixels: safetensors' header, and the index."""
        index = np.column_stack([np.concatenate([[0], ends[:-1]]), sizes]).astype("<i8")
        description = {
            "kind": "images",
            "dataset": self.dataset.name,
            "split": self.split.name,
            "images": len(self.split),
            "short_side": self.short_side,
            **({} if self.interpolation == BILINEAR else {"interpolation": self.interpolation}),
        }
        header, _ = tensor_files.encode_header(
            {"index": ("<i8", index.shape), "pixels": ("|u1", (int(ends[-1]),))}, descriptions.to_metadata(description)
        )
        return header + index.tobytes()

    def _announce(self, begin: int, ends: npt.NDArray[np.int64]) -> None:
        """Say how much will be written where. Raises UserError when there is no room for it."""
        needed = int(ends[-1]) - (int(ends[begin - 1]) if begin else 0)
        folder = self.path.parent
        free = shutil.disk_usage(folder).free
        if needed + _ROOM_TO_LEAVE > free:
            raise UserError(
                f"{self.dataset.name}, {self.split.name} at {self.short_side} px takes {format_size(needed)} more in "
                f"{folder}, where {format_size(free)} are free and {format_size(_ROOM_TO_LEAVE)} are to stay so; free "
                "some space, or choose another --cache."
            )
        resuming = f", going on at image {begin:,}" if begin else ""
        self.reporter.info(
            f"preparing {self.dataset.name}, {self.split.name}: {count_of(len(self.split), 'image')} at "
            f"{self.short_side} px, {format_size(int(ends[-1]))} in {folder}{resuming}"
        )

    @property
    def _cache(self) -> Path:
        return self.path.parents[1]

    def _keep_digests(self, source: ImageFiles, begin: int, hashed: Sequence[bytes]) -> None:
        """Keep the digests of the files, of which an interrupted run had decoded the first ``begin``."""
        path = digests.record_path(source.folder, self.split.items, self._cache)
        if not path.is_file():
            first = digests.hash_files(source.folder, self.split.items[:begin])
            rest = np.frombuffer(b"".join(hashed), dtype=np.uint8).reshape(-1, 32)
            digests.write_record(path, self.split, np.concatenate([first, rest]))

    def _decode(
        self, pool: Executor, sizes: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64], groups: list[Group]
    ) -> list[bytes]:
        """Write the images after those of ``groups``, and note after every group that it is on the disk.

        Returns the SHA-256 of their files, if they are files.
        """
        begin = groups[-1][0] if groups else 0
        part, items, count = layout.part_path(self.path), self.split.items, len(self.split)
        slices = [slice(first, min(first + _CHUNK, count)) for first in range(begin, count, _CHUNK)]
        chunks = [_Chunk(part, int(offsets[rows.start]), items[rows], sizes[rows]) for rows in slices]
        done: Iterable[list[bytes]] = map(
            partial(_render_chunk, self.dataset, self.short_side, self.interpolation), chunks
        )
        if self.dataset.files is not None:
            decode = partial(_decode_chunk, self.dataset.files, self.short_side, self.interpolation)
            done = pool.map(decode, chunks)
        hashed: list[bytes] = []
        with part.open("r+b") as file:
            for rows, of_chunk in zip(slices, done, strict=True):
                hashed += of_chunk
                if rows.stop % _GROUP == 0 or rows.stop == count:
                    os.fsync(file.fileno())
                    decoded_groups.add_group(groups, rows.stop, part, layout.progress_path(self.path), offsets)
                self.reporter.update(f"decode, {self.split.name}", rows.stop, count)
                self.on_decoded(part, rows.stop)
        return hashed


def _measure_files(source: ImageFiles, short_side: int, items: Sequence[str]) -> list[tuple[int, int]]:
    return [decoding.predict_size(source.folder / item, short_side, border=source.border) for item in items]


def _decode_chunk(source: ImageFiles, short_side: int, interpolation: Interpolation, chunk: _Chunk) -> list[bytes]:
    """Write a chunk's images. Returns the SHA-256 of the bytes that they were decoded from."""
    hashed = []

    def decode() -> Iterator[Pixels]:
        for item in chunk.items:
            raw = decoding.read_file(source.folder / item)
            hashed.append(hashlib.sha256(raw).digest())
            path, border = source.folder / item, source.border
            yield decoding.decode_image(path, short_side, border=border, raw=raw, interpolation=interpolation)

    _write_images(chunk, decode())
    return hashed


def _render_chunk(dataset: Dataset, short_side: int, interpolation: Interpolation, chunk: _Chunk) -> list[bytes]:
    how = [] if interpolation == BILINEAR else [interpolation]  # a data set of a plug-in may know no other
    _write_images(chunk, dataset.read(chunk.items, short_side, *how))
    return []


def _write_images(chunk: _Chunk, images: Iterable[Pixels]) -> None:
    """Write a chunk's images to their place in the file."""
    with chunk.part.open("r+b") as file:
        file.seek(chunk.offset)
        for item, image, size in zip(chunk.items, images, chunk.sizes, strict=True):
            if image.shape[:2] != tuple(size):
                raise UserError(f"image {item} changed while it was read; run the command again.")
            file.write(np.ascontiguousarray(image).data)
