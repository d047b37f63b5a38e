"""Nearest neighbours by cosine similarity, exact: a query is never its own neighbour, and ties go to the lower index.

Similarities are float32 products of L2-normalised features, a block of queries at a time, so memory is bounded by the
block and not by the number of images squared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

_BLOCK_VALUES = 2**24  # similarities in memory at once
_TILE = (2048, 8192)  # queries and images of a product that a CPU does at full speed
_RUN = 32  # neighbouring similarities of which only the largest is looked at first; divides a tile's width


@dataclass(frozen=True)
class RankedQueries:
    """Some queries and what was found for them. queries: int64 [Q]; neighbours: int64 [Q, M], nearest first."""

    queries: Tensor
    neighbours: Tensor


def rank_neighbours(features: Tensor, queries: Sequence[int] | None = None) -> Iterator[RankedQueries]:
    """All other images of each query, nearest first: M = N - 1. features: float [N, D]; queries: default all rows."""
    for rows, similarity in _iterate_similarities(features, queries):
        order = similarity.argsort(dim=1, descending=True, stable=True)
        yield RankedQueries(rows, order[:, : len(features) - 1])  # the query itself comes last and is dropped


def find_nearest(features: Tensor, k: int, queries: Sequence[int] | None = None) -> Tensor:
    """The ``k`` nearest other images of each query, int64 [Q, k] on the features' device; k <= N - 1.

    Tile by tile: beside the queries' features, one tile and the best so far are in memory. Ties are those of the
    computed float32 similarities; copies of an image in different tiles may differ in the last bit on some devices.
    Raises ValueError for another k, and for features that are not finite.
    """
    count = len(features)
    if not 0 < k < count:
        raise ValueError(f"{k} neighbours of {count - 1} other images")
    rows = _query_rows(features, queries)
    asked = F.normalize(features[rows].float(), dim=1)
    width = min(_TILE[1], -(-count // _RUN) * _RUN)
    unit, tile = asked.new_empty(width, asked.shape[1]), asked.new_empty(min(_TILE[0], len(rows)), width)
    blocks = [
        _NearestSoFar(own, vectors, k)
        for own, vectors in zip(torch.split(rows, _TILE[0]), torch.split(asked, _TILE[0]), strict=True)
    ]
    for begin in range(0, count, width):
        part = features[begin : begin + width].float()
        norms = torch.linalg.vector_norm(part, dim=1, keepdim=True)
        if not norms.isfinite().all():
            raise ValueError("features that are not finite have no neighbours")
        torch.div(part, norms.clamp_(min=1e-12), out=unit[: len(part)])
        for block in blocks:
            block.update(unit[: len(part)], begin, tile[: len(block.rows)])
    return torch.cat([block.found for block in blocks])


class _NearestSoFar:
    """The best so far of a block of queries. values: float32 [Q, <= k], found: int64 alike, nearest first."""

    def __init__(self, rows: Tensor, vectors: Tensor, k: int) -> None:
        """rows: the queries' own indices, int64 [Q]; vectors: their unit features, float32 [Q, D]."""
        self.rows, self.vectors, self.k = rows, vectors, k
        self.values, self.found = vectors.new_empty(len(rows), 0), rows.new_empty(len(rows), 0)

    def update(self, unit: Tensor, begin: int, tile: Tensor) -> None:
        """Look at images begin, begin + 1 ... of unit features [n, D]. tile: float32 [Q, >= n], to work in."""
        torch.mm(self.vectors, unit.T, out=tile[:, : len(unit)])
        tile[:, len(unit) :] = -torch.inf
        own = ((self.rows >= begin) & (self.rows < begin + len(unit))).nonzero().flatten()
        tile[own, self.rows[own] - begin] = -torch.inf
        row, column = self._find_candidates(tile.view(len(tile), -1, _RUN))
        # Side by side, row by row; those found before have lower indices, and the sort is stable: ties stay in order.
        counts = row.bincount(minlength=len(tile))
        place = torch.arange(len(row), device=row.device) - (counts.cumsum(0) - counts)[row]
        values = tile.new_full((len(tile), int(counts.max())), -torch.inf)
        values[row, place] = tile[row, column]
        found = self.rows.new_zeros(values.shape)
        found[row, place] = column + begin
        values, order = torch.cat([self.values, values], dim=1).sort(dim=1, descending=True, stable=True)
        self.values = values[:, : self.k]
        self.found = torch.cat([self.found, found], dim=1).gather(1, order[:, : self.k])

    def _find_candidates(self, runs: Tensor) -> tuple[Tensor, Tensor]:
        """Rows and columns, in order, of all similarities [Q, runs, _RUN] that may be among the k best.

        Few runs have one: a run's largest must be above the k-th best so far, which a tie from farther on is not, or,
        as long as there is none, not below the k-th largest of the runs' largest.
        """
        largest = runs.amax(dim=2)
        floor = largest.new_full((len(runs), 1), -torch.inf)
        if self.values.shape[1] == self.k:
            floor = self.values[:, -1:]
        elif largest.shape[1] >= self.k:
            floor = torch.nextafter(largest.topk(self.k, dim=1).values[:, -1:], floor)
        hot = (largest > floor).flatten().nonzero().flatten()
        row, run = hot // largest.shape[1], hot % largest.shape[1]
        which, place = (runs.flatten(0, 1).index_select(0, hot) > floor[row]).nonzero(as_tuple=True)
        return row[which], run[which] * _RUN + place


def _query_rows(features: Tensor, queries: Sequence[int] | None) -> Tensor:
    every = torch.arange(len(features), device=features.device)
    return every if queries is None else torch.as_tensor(queries, device=features.device)


def _iterate_similarities(features: Tensor, queries: Sequence[int] | None) -> Iterator[tuple[Tensor, Tensor]]:
    """Queries int64 [Q] and their similarity to all images [Q, N]; to themselves it is -inf."""
    unit = F.normalize(features.float(), dim=1)
    for block in torch.split(_query_rows(unit, queries), max(1, _BLOCK_VALUES // len(unit))):
        similarity = unit[block] @ unit.T
        similarity[torch.arange(len(block), device=unit.device), block] = -torch.inf
        yield block, similarity
