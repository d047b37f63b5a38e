"""Nearest neighbours by cosine similarity; a query is never its own neighbour, and ties go to the lower index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

_CHUNK = 512


def rank(features: Tensor, queries: Sequence[int] | None = None) -> npt.NDArray[np.int64]:
    """All other images of each query, nearest first. features: float [N, D]; queries: Q rows of it, default all.

    Returns int64 [Q, N - 1]. Similarities are computed in float64, a block of queries at a time.
    """
    unit = F.normalize(features.double(), dim=1)
    count = len(unit)
    blocks = []
    for chunk in torch.split(torch.as_tensor(range(count) if queries is None else queries), _CHUNK):
        similarity = unit[chunk] @ unit.T
        similarity[torch.arange(len(chunk)), chunk] = -torch.inf  # the query itself comes last ...
        order = similarity.argsort(dim=1, descending=True, stable=True)
        blocks.append(order[:, : count - 1].cpu().numpy())  # ... and is dropped
    return np.concatenate(blocks)


def recall_at_1(matches: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether the nearest neighbour matches. matches: bool [N, M], nearest first. Returns bool [N]."""
    return matches[:, 0]


def average_precision(matches: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Average precision of each full ranking. matches: bool [N, M], each row with a match. Returns [N]."""
    hits = matches.cumsum(axis=1)
    precision = hits / np.arange(1, matches.shape[1] + 1)
    result: npt.NDArray[np.float64] = (precision * matches).sum(axis=1) / matches.sum(axis=1)
    return result


def color_agreement(order: npt.NDArray[np.int64], colors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How near in colour the nearest neighbour is, as a rank, for data without colour labels.

    The share of the other images whose colour is farther from the query's than its nearest neighbour's is (ties count
    half): 1 is the best possible neighbour, 0.5 a random one. order: int64 [N, M]; colors: [N, 3], CIELAB.
    Returns [N].
    """
    count = len(colors)
    out = np.empty(count)
    for query in range(count):
        distance = np.linalg.norm(colors - colors[query], axis=1)
        found = distance[order[query, 0]]
        others = np.delete(distance, [query, order[query, 0]])
        out[query] = (others > found).mean() + (others == found).mean() / 2
    return out
