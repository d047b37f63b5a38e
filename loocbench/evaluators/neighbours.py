"""Exact nearest neighbours by cosine similarity: a query is never its own neighbour; ties go to the lower index.

Similarities are float32 products of L2-normalised features, a block of queries at a time, so memory is bounded by the
block and not by the number of images squared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.solvers.products import multiply

_BLOCK_VALUES = 2**24  # similarities in memory at once
_TILE = (2048, 8192)  # queries and images of a matrix product that a CPU computes at full speed
_RUN = 32  # consecutive similarities whose maximum is tested before any of them; divides a tile's width


@dataclass(frozen=True)
class RankedQueries:
    """A block of queries with their neighbours. queries: int64 [Q]; neighbours: int64 [Q, M], nearest first."""

    queries: Tensor
    neighbours: Tensor


def rank_neighbours(
    features: Tensor, queries: Sequence[int] | None = None, *, ties_follow_query: bool = False
) -> Iterator[RankedQueries]:
    """Yield, by blocks of queries, all other images in order of similarity: M = N - 1.

    features: float [N, D]; queries: row indices, default all. ties_follow_query: ties go to the image that follows the
    query, cyclically, instead of to the lower index; of shuffled images that is another order for every query.
    """
    for rows, similarity in _iterate_similarities(features, queries):
        if ties_follow_query:
            columns = (torch.arange(len(features), device=rows.device) + rows[:, None]) % len(features)
            order = similarity.gather(1, columns).argsort(dim=1, descending=True, stable=True)
            order = columns.gather(1, order)
        else:
            order = similarity.argsort(dim=1, descending=True, stable=True)
        yield RankedQueries(rows, order[:, : len(features) - 1])  # the query itself comes last and is dropped


def find_nearest(features: Tensor, k: int, queries: Sequence[int] | None = None) -> Tensor:
    """Return the ``k`` nearest other images of each query: int64 [Q, k] on the features' device.

    Similarities are computed tile by tile; in memory are the queries' features, one tile, and the nearest so far. Ties
    are ties of the computed float32 similarities: copies of an image in different tiles may differ in the last bit on
    some devices. Raises ValueError unless 1 <= k <= N - 1, and for features that are not finite.
    """
    count = len(features)
    if not 0 < k < count:
        raise ValueError(f"k = {k} is not between 1 and {count - 1}, the number of other images")
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
    """The nearest images so far of a block of queries. values: float32 [Q, <= k]; found: int64, of the same shape."""

    def __init__(self, rows: Tensor, vectors: Tensor, k: int) -> None:
        """rows: the queries' own indices, int64 [Q]; vectors: their unit features, float32 [Q, D]."""
        self.rows, self.vectors, self.k = rows, vectors, k
        self.values, self.found = vectors.new_empty(len(rows), 0), rows.new_empty(len(rows), 0)

    def update(self, unit: Tensor, begin: int, tile: Tensor) -> None:
        """Merge images begin .. begin + n - 1, given their unit features [n, D]. tile: scratch, float32 [Q, >= n]."""
        multiply(self.vectors, unit.T, out=tile[:, : len(unit)])
        tile[:, len(unit) :] = -torch.inf
        own = ((self.rows >= begin) & (self.rows < begin + len(unit))).nonzero().flatten()
        tile[own, self.rows[own] - begin] = -torch.inf
        row, column = self._find_candidates(tile.view(len(tile), -1, _RUN))
        # Pack candidates to the left of each row, behind earlier ones: the stable sort then keeps the order of ties.
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
        """Return rows and columns, in order, of all similarities [Q, runs, _RUN] that may be among the k largest.

        Few runs hold one: a run's maximum must exceed the k-th largest so far (a later tie does not), or, before there
        are k, be at least the k-th largest of the runs' maxima.
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
    """Yield queries int64 [Q] and their similarity to all images [Q, N], -inf of a query to itself."""
    unit = F.normalize(features.float(), dim=1)
    for block in torch.split(_query_rows(unit, queries), max(1, _BLOCK_VALUES // len(unit))):
        similarity = multiply(unit[block], unit.T)
        similarity[torch.arange(len(block), device=unit.device), block] = -torch.inf
        yield block, similarity
