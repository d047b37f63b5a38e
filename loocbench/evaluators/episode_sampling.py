"""Which images a few-shot trial gets: a pure function of (seed, labels), so that every model gets the same."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loocbench import philox
from loocbench.errors import UserError

Indices = npt.NDArray[np.int64]
_CLASSES, _IMAGES = 0, 1  # streams of random numbers


@dataclass(frozen=True)
class SampledEpisodes:
    """E episodes of ``ways`` classes. support [E, ways, shots] and queries [E, ways, queries]: rows of the images."""

    support: Indices
    queries: Indices

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all rows: equal for equal episodes."""
        return hash_rows(self.support, self.queries)


def draw_episodes(labels: Indices, *, ways: int, shots: int, queries: int, count: int, seed: int) -> SampledEpisodes:
    """``count`` episodes of N-way K-shot classification; episode e depends on (seed, e, labels) alone.

    Each has ``ways`` classes, ``shots`` images of each to learn from and ``queries`` others to be asked about. Raises
    UserError where fewer classes are large enough.
    """
    need = shots + queries
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    members = [rows for rows in members if len(rows) >= need]
    if len(members) < ways:
        raise UserError(
            f"{len(members)} classes have the {need} images that an episode of {ways} classes takes of each; choose "
            "fewer --ways or --shots, or another --dataset."
        )
    largest = max(len(rows) for rows in members)
    by_class = philox.uniforms(seed, np.arange(count), major=0, minor=_CLASSES, count=len(members))
    by_image = philox.uniforms(seed, np.arange(count), major=0, minor=_IMAGES, count=ways * largest)
    chosen = np.empty((count, ways, need), dtype=np.int64)
    for episode in range(count):
        for way, position in enumerate(by_class[episode].argsort()[:ways]):
            rows = members[position]
            order = by_image[episode, way * largest : way * largest + len(rows)].argsort()
            chosen[episode, way] = rows[order[:need]]
    return SampledEpisodes(chosen[..., :shots], chosen[..., shots:])


def draw_shots(labels: Indices, *, shots: int, count: int, seed: int) -> Indices:
    """``shots`` images of every class, ``count`` times: rows [count, K, shots]; a pure function of (seed, labels).

    Raises UserError where a class has fewer.
    """
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    if (smallest := min(len(rows) for rows in members)) < shots:
        raise UserError(f"a class has {smallest} images to learn from, fewer than {shots}; lower --shots.")
    largest = max(len(rows) for rows in members)
    u = philox.uniforms(seed, np.arange(count), major=1, minor=_IMAGES, count=len(members) * largest)
    u = u.reshape(count, len(members), largest)
    chosen = [rows[u[:, place, : len(rows)].argsort(axis=1)[:, :shots]] for place, rows in enumerate(members)]
    return np.stack(chosen, axis=1)


def hash_rows(*rows: Indices) -> str:
    """SHA-256 of some arrays of rows."""
    parts = [f"{array.shape}".encode() + np.ascontiguousarray(array, dtype="<i8").tobytes() for array in rows]
    return hashlib.sha256(b"|".join(parts)).hexdigest()
