"""Nearest neighbours by cosine similarity, exact: a query is never its own neighbour, and ties go to the lower index.

Similarities are float32 products of L2-normalised features, a block of queries at a time, so memory is bounded by the
block and not by the number of images squared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

_BLOCK_VALUES = 2**24  # similarities in memory at once

Indices = npt.NDArray[np.int64]


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
    """The ``k`` nearest other images of each query, int64 [Q, k] on the features' device; k <= N - 1."""
    if not 0 < k < len(features):
        raise ValueError(f"{k} neighbours of {len(features) - 1} other images")
    return torch.cat([_top(similarity, k) for _, similarity in _blocks(features, queries)])


def rank(features: Tensor, queries: Sequence[int] | None = None) -> Indices:
    """:func:`rankings` in one array int64 [Q, N - 1], for few queries or images."""
    return np.concatenate([block.neighbours.cpu().numpy() for block in rankings(features, queries)])


def _blocks(features: Tensor, queries: Sequence[int] | None) -> Iterator[tuple[Tensor, Tensor]]:
    """Queries int64 [Q] and their similarity to all images [Q, N]; to themselves it is -inf."""
    unit = F.normalize(features.float(), dim=1)
    count = len(unit)
    rows = torch.arange(count, device=unit.device) if queries is None else torch.as_tensor(queries, device=unit.device)
    for block in torch.split(rows, max(1, _BLOCK_VALUES // count)):
        similarity = unit[block] @ unit.T
        similarity[torch.arange(len(block), device=unit.device), block] = -torch.inf
        yield block, similarity


def _top(similarity: Tensor, k: int) -> Tensor:
    """Indices int64 [Q, k] of the k largest of each row [Q, N], largest first, ties by index."""
    values, found = similarity.topk(k, dim=1)
    # topk breaks ties as it likes. Within the k a stable sort of ascending indices mends that; where others are as near
    # as the k-th, the first of those are taken.
    last = values[:, -1:]
    for row in ((similarity >= last).sum(dim=1) > k).nonzero().flatten().tolist():
        nearer = (similarity[row] > last[row]).nonzero().flatten()
        equal = (similarity[row] == last[row]).nonzero().flatten()
        found[row] = torch.cat([nearer, equal[: k - len(nearer)]])
    found = found.sort(dim=1).values
    order = similarity.gather(1, found).argsort(dim=1, descending=True, stable=True)
    return found.gather(1, order)
