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
_TILE = (1024, 16384)  # queries and images of a product that a CPU does at full speed


@dataclass(frozen=True)
class Block:
    """Some queries and what was found for them. queries: int64 [Q]; neighbours: int64 [Q, M], nearest first."""

    queries: Tensor
    neighbours: Tensor


def rankings(features: Tensor, queries: Sequence[int] | None = None) -> Iterator[Block]:
    """All other images of each query, nearest first: M = N - 1. features: float [N, D]; queries: default all rows."""
    for rows, similarity in _blocks(features, queries):
        order = similarity.argsort(dim=1, descending=True, stable=True)
        yield Block(rows, order[:, : len(features) - 1])  # the query itself comes last and is dropped


def nearest(features: Tensor, k: int, queries: Sequence[int] | None = None) -> Tensor:
    """The ``k`` nearest other images of each query, int64 [Q, k] on the features' device; k <= N - 1.

    Tile by tile: only the best so far of a block of queries are kept.
    """
    count = len(features)
    if not 0 < k < count:
        raise ValueError(f"{k} neighbours of {count - 1} other images")
    unit = F.normalize(features.float(), dim=1)
    blocks = []
    for rows in torch.split(_rows(unit, queries), _TILE[0]):
        asked = unit[rows]
        values, found = unit.new_empty(len(rows), 0), rows.new_empty(len(rows), 0)
        tile = unit.new_empty(len(rows), _TILE[1])
        for begin in range(0, count, _TILE[1]):
            part = unit[begin : begin + _TILE[1]]
            similarity = torch.mm(asked, part.T, out=tile if len(part) == _TILE[1] else None)
            own = ((rows >= begin) & (rows < begin + len(part))).nonzero().flatten()
            similarity[own, rows[own] - begin] = -torch.inf
            new = _top(similarity, min(k, len(part)))
            # Those found before have lower indices, and the sort is stable: ties stay in order.
            values = torch.cat([values, similarity.gather(1, new)], dim=1)
            values, order = values.sort(dim=1, descending=True, stable=True)
            found = torch.cat([found, new + begin], dim=1).gather(1, order)[:, :k]
            values = values[:, :k]
        blocks.append(found)
    return torch.cat(blocks)


def _rows(unit: Tensor, queries: Sequence[int] | None) -> Tensor:
    every = torch.arange(len(unit), device=unit.device)
    return every if queries is None else torch.as_tensor(queries, device=unit.device)


def _blocks(features: Tensor, queries: Sequence[int] | None) -> Iterator[tuple[Tensor, Tensor]]:
    """Queries int64 [Q] and their similarity to all images [Q, N]; to themselves it is -inf."""
    unit = F.normalize(features.float(), dim=1)
    for block in torch.split(_rows(unit, queries), max(1, _BLOCK_VALUES // len(unit))):
        similarity = unit[block] @ unit.T
        similarity[torch.arange(len(block), device=unit.device), block] = -torch.inf
        yield block, similarity


def _top(similarity: Tensor, k: int) -> Tensor:
    """Indices int64 [Q, k] of the k largest of each row [Q, N], largest first, ties by index."""
    values, found = similarity.topk(min(k + 1, similarity.shape[1]), dim=1)
    # topk breaks ties as it likes. Within the k a stable sort of ascending indices mends that; where the next one is as
    # near as the k-th, the first of those that are as near are taken.
    tied = (values[:, k - 1] == values[:, k]).nonzero().flatten().tolist() if values.shape[1] > k else []
    last, found = values[:, k - 1], found[:, :k]
    for row in tied:
        nearer = (similarity[row] > last[row]).nonzero().flatten()
        equal = (similarity[row] == last[row]).nonzero().flatten()
        found[row] = torch.cat([nearer, equal[: k - len(nearer)]])
    found = found.sort(dim=1).values
    order = similarity.gather(1, found).argsort(dim=1, descending=True, stable=True)
    return found.gather(1, order)
