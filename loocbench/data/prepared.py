"""Decode once: the images of a split as uint8 in one memory-mapped file, from which any batch is read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import platformdirs
import torch

from loocbench import files
from loocbench.types import Dataset, ImageBatch, Pixels, Split

_CHUNK = 256


class PreparedImages:
    """The images of one split, short side resized, in the split's order. Nothing but the asked batch is in memory."""

    def __init__(self, folder: Path) -> None:
        self._pixels = np.memmap(folder / "pixels.bin", dtype=np.uint8, mode="r")
        self._index = np.load(folder / "index.npy", allow_pickle=False)  # int64 [N, 3]: offset, height, width

    def __len__(self) -> int:
        return len(self._index)

    def image(self, row: int) -> Pixels:
        """One image, uint8 [H, W, 3]."""
        offset, height, width = self._index[row]
        return self._pixels[offset : offset + height * width * 3].reshape(height, width, 3)

    def batch(self, rows: Sequence[int] | np.ndarray) -> ImageBatch:
        """The images at ``rows``, padded to the largest of them."""
        sizes = self._index[rows, 1:]
        height, width = sizes.max(axis=0)
        pixels = np.zeros((len(rows), height, width, 3), dtype=np.uint8)
        for slot, row in enumerate(rows):
            pixels[slot, : sizes[slot, 0], : sizes[slot, 1]] = self.image(row)
        return ImageBatch(torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(sizes))

    def center_crops(self, rows: Sequence[int] | np.ndarray, size: int) -> torch.Tensor:
        """The central squares, uint8 [B, 3, size, size], placed as torchvision's ``CenterCrop``."""
        out = np.empty((len(rows), size, size, 3), dtype=np.uint8)
        for slot, row in enumerate(rows):
            image = self.image(row)
            top, left = round((image.shape[0] - size) / 2.0), round((image.shape[1] - size) / 2.0)
            out[slot] = image[top : top + size, left : left + size]
        return torch.from_numpy(out).permute(0, 3, 1, 2).contiguous()


def cache_dir() -> Path:
    """Where prepared images and features are kept: the user's cache folder."""
    return platformdirs.user_cache_path("loocbench")


def prepare(
    dataset: Dataset, split: Split, short_side: int, *, cache: Path, on_progress: Callable[[int, int], None]
) -> PreparedImages:
    """The prepared images of ``split``, made now unless ``cache`` has them. on_progress(done, total) counts images.

    The file's name is a hash of everything that determines its content. It appears whole or not at all.
    """
    key = hashlib.sha256("\n".join([dataset.content(split.items), str(short_side), *split.items]).encode()).hexdigest()
    folder = cache / "images" / f"{dataset.name}-{split.name}-{short_side}-{key[:16]}"
    if not folder.is_dir():
        with files.writing_folder(folder) as part:
            index = np.empty((len(split), 3), dtype=np.int64)
            offset = 0
            with (part / "pixels.bin").open("wb") as pixels:
                for begin in range(0, len(split), _CHUNK):
                    images = dataset.read(split.items[begin : begin + _CHUNK], short_side)
                    for row, image in enumerate(images, begin):
                        index[row] = (offset, *image.shape[:2])
                        pixels.write(image.tobytes())
                        offset += image.size
                    on_progress(begin + len(images), len(split))
            np.save(part / "index.npy", index)
    return PreparedImages(folder)
