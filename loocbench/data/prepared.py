"""Prepared images: decoded once, uint8, short side resized, in one memory-mapped file from which any batch is read.

The file is a safetensors file of two tensors, so that any tool can read it: ``index`` int64 [N, 3] (where an image
begins in ``pixels``, its height, its width) and ``pixels`` uint8 [bytes] (RGB, row by row, image after image).
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from loocbench import files
from loocbench.cache import locks, tensor_files
from loocbench.errors import UserError
from loocbench.free_memory import free_memory
from loocbench.types import ImageBatch, Pixels, Sizes

_RELEASE_AFTER = 64 * 2**20  # bytes read from the map before its pages are given back: memory stays bounded

Rows = Sequence[int] | npt.NDArray[np.int64]
Scalar = TypeVar("Scalar", bound=np.generic)


def center_square(image: npt.NDArray[Scalar], size: int) -> npt.NDArray[Scalar]:
    """The central [size, size, ...] of an image [H, W, ...], placed as torchvision's crop; a view."""
    top, left = round((image.shape[0] - size) / 2.0), round((image.shape[1] - size) / 2.0)
    return image[top : top + size, left : left + size]


class PreparedImages:
    """The images of one split, in the split's order. Nothing but the asked batch is in memory.

    Raises FileNotFoundError where the file was pruned this moment, and UserError for a damaged one.
    """

    def __init__(self, path: Path) -> None:
        self._shared_lock = locks.hold_shared(path)  # as long as this object lives the file is not pruned
        try:
            infos, _ = tensor_files.read_header(path)
            begin, end = infos["index"].offset, infos["pixels"].offset
        except (ValueError, KeyError) as error:
            raise files.damaged(path) from error
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._index = np.frombuffer(mapped[begin:end], dtype="<i8").reshape(-1, 3)
        self._pixels: Pixels = np.frombuffer(mapped, dtype=np.uint8)[end:]
        self._map: mmap.mmap | None = mapped
        self._read = 0  # bytes since pages were given back

    def __len__(self) -> int:
        return len(self._index)

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return len(self._pixels)

    def sizes(self, rows: Rows) -> Sizes:
        """Heights and widths of the images at ``rows``, int64 [B, 2]."""
        return self._index[rows, 1:]

    def image(self, row: int) -> Pixels:
        """One image, uint8 [H, W, 3]; a view of the file."""
        offset, height, width = self._index[row]
        return self._pixels[offset : offset + height * width * 3].reshape(height, width, 3)

    def batch(self, rows: Rows) -> ImageBatch:
        """The images at ``rows``, padded to the largest of them."""
        sizes = self.sizes(rows)
        height, width = sizes.max(axis=0)
        pixels = np.zeros((len(rows), height, width, 3), dtype=np.uint8)
        for slot, row in enumerate(rows):
            pixels[slot, : sizes[slot, 0], : sizes[slot, 1]] = self.image(row)
        self._release(int(sizes.prod(axis=1).sum()) * 3)
        return ImageBatch(torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(sizes.astype(np.int64)))

    def center_crops(self, rows: Rows, size: int) -> torch.Tensor:
        """The central squares, uint8 [B, 3, size, size], channels last in memory; placed as torchvision's crop."""
        out = np.empty((len(rows), size, size, 3), dtype=np.uint8)
        for slot, row in enumerate(rows):
            out[slot] = center_square(self.image(row), size)
        self._release(int(self.sizes(rows).prod(axis=1).sum()) * 3)
        return torch.from_numpy(out).permute(0, 3, 1, 2)

    def in_memory(self) -> PreparedImages:
        """Hold the images in main memory from now on, and return them. Raises UserError when there is no room."""
        free = free_memory()
        if self.nbytes > free:
            raise UserError(
                f"the images take {self.nbytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free; "
                "leave out --in-memory."
            )
        self._pixels, self._map = np.array(self._pixels), None
        return self

    def on_device(self, device: torch.device) -> DeviceImages:
        """The same images, held on ``device``. Raises UserError when there is no room for them."""
        if device.type == "cuda":
            free = torch.cuda.mem_get_info(device)[0]
            if self.nbytes > free // 2:  # training needs the rest
                raise UserError(
                    f"the images take {self.nbytes / 1e9:.1f} GB, more than half of the {free / 1e9:.1f} GB that are "
                    f"free on {device}; leave out --on-device."
                )
        pixels = torch.empty(self.nbytes, dtype=torch.uint8, device=device)
        for begin in range(0, self.nbytes, _RELEASE_AFTER):  # piece by piece: main memory need not hold them all
            piece = np.array(self._pixels[begin : begin + _RELEASE_AFTER])
            pixels[begin : begin + len(piece)] = torch.from_numpy(piece)
            self._release(len(piece) + 1)
        return DeviceImages(pixels, self._index)

    def _release(self, count: int) -> None:
        """Give the file's pages back to the system now and then; they stay in its cache as long as there is room."""
        self._read += count
        if self._map and self._read > _RELEASE_AFTER and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
            self._read = 0


class DeviceImages:
    """The images of one split, all on one device, for training without transfers."""

    def __init__(self, pixels: torch.Tensor, index: npt.NDArray[np.int64]) -> None:
        self._pixels = pixels
        self._index = index

    def __len__(self) -> int:
        return len(self._index)

    def batch(self, rows: Rows) -> ImageBatch:
        """The images at ``rows``, padded to the largest of them; pixels on the device, sizes on the CPU."""
        sizes = self._index[rows, 1:]
        height, width = (int(side) for side in sizes.max(axis=0))
        pixels = self._pixels.new_zeros((len(rows), height, width, 3))
        for slot, row in enumerate(rows):
            offset, h, w = (int(value) for value in self._index[row])
            pixels[slot, :h, :w] = self._pixels[offset : offset + h * w * 3].view(h, w, 3)
        return ImageBatch(pixels.permute(0, 3, 1, 2), torch.from_numpy(sizes.astype(np.int64)))
