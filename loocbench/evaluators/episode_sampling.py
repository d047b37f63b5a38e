"""Sampling of few-shot trials: a pure function of (seed, labels), so that every model gets the same images."""

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
    """E episodes of ``ways`` classes. support [E, ways, shots] and queries [E, ways, queries]: row indices."""

    support: Indices
    queries: Indices

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all row indices: equal for equal episodes."""
        return hash_rows(self.support, self.queries)


def draw_episodes(labels: Indices, *, ways: int, shots: int, queries: int, count: int, seed: int) -> SampledEpisodes:
    """Draw ``count`` episodes of N-way K-shot classification; episode e depends on (seed, e, labels) alone.

    Each has ``ways`` classes, with ``shots`` support images and ``queries`` query images per class. Raises UserError
    if fewer than ``ways`` classes have shots + queries images.
    """
    need = shots + queries
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    members = [rows for rows in members if len(rows) >= need]
    if len(members) < ways:
        raise UserError(
            f"{len(members)} classes have the {need} images per class that an episode of {ways} classes needs; choose "
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
    """Draw ``shots`` images of every class, ``count`` times: row indices [count, K, shots].

    A pure function of (seed, labels). Raises UserError if a class has fewer images.
    """
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    if (smallest := min(len(rows) for rows in members)) < shots:
        raise UserError(f"a class has {smallest} training images, fewer than {shots}; lower --shots.")
    largest = max(len(rows) for rows in members)
    u = philox.uniforms(seed, np.arange(count), major=1, minor=_IMAGES, count=len(members) * largest)
    u = u.reshape(count, len(members), largest)
    chosen = [rows[u[:, place, : len(rows)].argsort(axis=1)[:, :shots]] for place, rows in enumerate(members)]
    return np.stack(chosen, axis=1)


def hash_rows(*rows: Indices) -> str:
    """Return the SHA-256 of arrays of row indices, shapes included."""
    parts = [f"{array.shape}".encode() + np.ascontiguousarray(array, dtype="<i8").tobytes() for array in rows]
    return hashlib.sha256(b"|".join(parts)).hexdigest()
