"""Philox-4x32-10, a counter-based random generator: the same counter gives the same numbers, in any order.

Every random choice that a view or an embedded image depends on is a pure function of its own coordinates
(seed, epoch, image index, view, ...), so batch order, batch size and the number of workers cannot change it.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)

Words = npt.NDArray[np.uint64]


def philox4x32(counter: tuple[Words, Words, Words, Words], key: tuple[int, int]) -> tuple[Words, ...]:
    """Ten rounds of Philox over arrays of counters. Words are 32-bit values held in uint64 arrays of one shape."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ np.uint64(k0), p1 & _LOW, (p0 >> _SHIFT) ^ c3 ^ np.uint64(k1), p0 & _LOW
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return c0, c1, c2, c3


def uniforms(seed: int, indices: npt.ArrayLike, *, major: int, minor: int, count: int) -> npt.NDArray[np.float64]:
    """Uniform numbers in (0, 1), one row per index.

    seed: 0 .. 2^64 - 1. indices: integers [N], 0 .. 2^32 - 1. major, minor: further coordinates, 0 .. 2^32 - 1
    (for a view: epoch, and view and augmentation). Returns float64 [N, count].
    """
    return uniforms_of_streams(seed, indices, major=major, streams=[(minor, count)])[0]


def uniforms_of_streams(
    seed: int, indices: npt.ArrayLike, *, major: int, streams: Sequence[tuple[int, int]]
) -> list[npt.NDArray[np.float64]]:
    """What :func:`uniforms` returns for each (minor, count) of ``streams``, all computed at once."""
    rows = np.asarray(indices, dtype=np.uint64)[:, None]
    blocks = [-(-count // 4) for _, count in streams]
    minors = np.repeat(np.array([minor for minor, _ in streams], dtype=np.uint64), blocks)
    within = np.concatenate([np.arange(number, dtype=np.uint64) for number in blocks])
    shape = (len(rows), len(within))
    words = philox4x32(
        (
            np.broadcast_to(rows, shape),
            np.full(shape, major, dtype=np.uint64),
            np.broadcast_to(minors, shape),
            np.broadcast_to(within, shape),
        ),
        (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF),
    )
    drawn = (np.stack(words, axis=-1).reshape(shape[0], -1).astype(np.float64) + 0.5) * 2.0**-32
    begins = 4 * (np.cumsum(blocks) - blocks)
    return [drawn[:, begin : begin + count] for begin, (_, count) in zip(begins, streams, strict=True)]
