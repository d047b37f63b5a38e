"""The nearest neighbours of some test images that a row of retrieval keeps: the same queries for every model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loocbench.evaluators import sampling
from loocbench.types import Items

MOST_QUERIES, MOST_NEIGHBOURS = 64, 8
QUERIES, NEAREST, SHARED = "queries", "nearest", "nearest_share_"  # names of a row's items
_SEED = 0  # not the measurement's: models are compared on the same queries


@dataclass(frozen=True)
class KeptNeighbours:
    """Queries with their nearest other test images.

    queries: int64 [Q], ascending rows of the test split. nearest: int64 [Q, K], the nearest first. shared: for each
    kind of match ("species", "color") whether query and neighbour share it, bool [Q, K].
    """

    queries: npt.NDArray[np.int64]
    nearest: npt.NDArray[np.int64]
    shared: Mapping[str, npt.NDArray[np.bool_]]

    def to_items(self) -> dict[str, npt.NDArray[np.int64] | npt.NDArray[np.bool_]]:
        """Return them as items of an outcome."""
        shared = {f"{SHARED}{kind}": values.ravel() for kind, values in self.shared.items()}
        return {QUERIES: self.queries, NEAREST: self.nearest.ravel(), **shared}


def choose_queries(count: int) -> npt.NDArray[np.int64]:
    """Return the rows of ``count`` test images whose neighbours are kept, ascending."""
    return sampling.sample_rows(count, MOST_QUERIES, seed=_SEED)


def is_kept(name: str) -> bool:
    """Whether items of this name are of kept neighbours, and not of a metric."""
    return name in (QUERIES, NEAREST) or name.startswith(SHARED)


def read_neighbours(items: Mapping[str, Items]) -> KeptNeighbours | None:
    """Return the neighbours that a row's items hold; None if they hold none, or none that can be."""
    if QUERIES not in items or NEAREST not in items:
        return None
    try:
        queries = items[QUERIES].values().astype(np.int64)
        nearest = items[NEAREST].values().astype(np.int64).reshape(len(queries), -1)
        shared = {
            name.removeprefix(SHARED): one.values().astype(bool).reshape(nearest.shape)
            for name, one in items.items()
            if name.startswith(SHARED)
        }
    except ValueError:
        return None
    return KeptNeighbours(queries, nearest, shared) if min(queries.min(), nearest.min()) >= 0 else None
