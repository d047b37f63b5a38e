"""Features that need not fit into memory: a matrix that is read a block of rows at a time."""

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
    """A matrix [N, D] in blocks of rows. read(begin, end) gives rows as float [end - begin, D], on the working device.

    Iterating gives (rows, block) for all of them in order; the same rows at every pass.
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
    def of(cls, features: Tensor) -> Blocks:
        """Of a matrix in memory."""
        return cls((features.shape[0], features.shape[1]), lambda begin, end: features[begin:end])

    @classmethod
    def of_mapped(cls, parts: Sequence[npt.NDArray[np.float32]], device: torch.device) -> Blocks:
        """Of memory-mapped matrices side by side, [N, D_1] ... [N, D_p]: nothing but a block of each is in memory."""
        count, dim = len(parts[0]), sum(part.shape[1] for part in parts)

        def read(begin: int, end: int) -> Tensor:
            block = np.concatenate([part[begin:end] for part in parts], axis=1)
            for part in parts:
                _give_back(part)
            return torch.from_numpy(block).to(device)

        return cls((count, dim), read)

    def map(self, change: Callable[[Tensor], Tensor]) -> Blocks:
        """The matrix whose blocks are ``change`` of these blocks, of the same shape."""
        return Blocks(self.shape, lambda begin, end: change(self.read(begin, end)))

    def above(self, other: Blocks) -> Blocks:
        """These rows, then the other's."""
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
        """All rows in memory."""
        return torch.cat([block for _, block in self])


def _give_back(part: npt.NDArray[np.float32]) -> None:
    """Let go of the pages that were read, which the system may keep in its cache; else they count as this process's."""
    mapped: mmap.mmap | None = getattr(part, "_mmap", None)  # numpy's name for it since 1.0; it has no public one
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
