"""A feature matrix that need not fit into memory, read in blocks of rows."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

_BLOCK_BYTES = 2**24  # of float32; a solver makes several matrices of a block


@dataclass(frozen=True)
class Blocks:
    """A matrix [N, D] in blocks of rows. read(begin, end) returns float [end - begin, D] on the compute device.

    Iterating yields (rows, block) in order, the same rows in every pass.
    """

    shape: tuple[int, int]
    read: Callable[[int, int], Tensor]

    def __iter__(self) -> Iterator[tuple[slice, Tensor]]:
        count, dim = self.shape
        step = max(1, _BLOCK_BYTES // (4 * dim))
        for begin in range(0, count, step):
            end = min(begin + step, count)
            yield slice(begin, end), self.read(begin, end)

    @classmethod
    def from_tensor(cls, features: Tensor) -> Blocks:
        """Blocks of a matrix in memory."""
        return cls((features.shape[0], features.shape[1]), lambda begin, end: features[begin:end])

    @classmethod
    def from_arrays(cls, parts: Sequence[npt.NDArray[np.float32]], device: torch.device) -> Blocks:
        """Blocks of memory-mapped matrices [N, D_1] ... [N, D_p], joined along D; one block of each is in memory."""
        count, dim = len(parts[0]), sum(part.shape[1] for part in parts)

        def read(begin: int, end: int) -> Tensor:
            block = np.concatenate([part[begin:end] for part in parts], axis=1)
            for part in parts:
                _release_pages(part)
            return torch.from_numpy(block).to(device)

        return cls((count, dim), read)

    def map(self, change: Callable[[Tensor], Tensor]) -> Blocks:
        """Apply ``change``, which keeps the shape, to every block when it is read."""
        return Blocks(self.shape, lambda begin, end: change(self.read(begin, end)))

    def followed_by(self, other: Blocks) -> Blocks:
        """Concatenate the other's rows after these."""
        count = self.shape[0]

        def read(begin: int, end: int) -> Tensor:
            upper = [self.read(begin, min(end, count))] if begin < count else []
            lower = [other.read(max(begin - count, 0), end - count)] if end > count else []
            return torch.cat([*upper, *lower])

        return Blocks((count + other.shape[0], self.shape[1]), read)

    def mean(self) -> Tensor:
        """Mean row, float64 [D]."""
        return sum((block.double().sum(dim=0) for _, block in self), start=torch.zeros(())) / self.shape[0]

    def whole(self) -> Tensor:
        """Read all rows into one tensor."""
        return torch.cat([block for _, block in self])


def _release_pages(part: npt.NDArray[np.float32]) -> None:
    """Release the pages that were read, which would count as this process's memory; the system may keep them cached."""
    mapped: mmap.mmap | None = getattr(part, "_mmap", None)  # numpy's name for it since 1.0; it has no public one
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
