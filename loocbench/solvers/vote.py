"""The weighted vote of nearest neighbours (Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric Instance
Discrimination"): each of the k nearest votes for its class with the weight exp(cosine / temperature)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

TEMPERATURE = 0.07
_BLOCK_VALUES = 2**24  # similarities in memory at once


def weighted_votes(
    known: Tensor, known_labels: Tensor, asked: Tensor, neighbours: Sequence[int], temperature: float = TEMPERATURE
) -> Tensor:
    """Votes [len(neighbours), M, K] of the k nearest of ``known`` [N, D] for each of ``asked`` [M, D], for every k.

    known_labels: int64 [N], values 0 .. K-1. Features need not be normalised. A k above N counts all N.
    """
    known, asked = F.normalize(known.float(), dim=1), F.normalize(asked.float(), dim=1)
    classes = int(known_labels.max()) + 1
    blocks = [
        _votes(part @ known.T, known_labels, classes, neighbours, temperature)
        for part in torch.split(asked, max(1, _BLOCK_VALUES // len(known)))
    ]
    return torch.cat(blocks, dim=1)


def _votes(similarity: Tensor, labels: Tensor, classes: int, neighbours: Sequence[int], temperature: float) -> Tensor:
    count = similarity.shape[1]
    values, nearest = similarity.topk(min(max(neighbours), count), dim=1)
    # Divided by the largest weight, which changes no order and cannot overflow.
    weights, voted = ((values - values[:, :1]) / temperature).exp(), labels[nearest]
    votes = torch.zeros(len(neighbours), len(similarity), classes, device=similarity.device)
    for slot, k in enumerate(neighbours):
        votes[slot].scatter_add_(1, voted[:, :k], weights[:, :k])
    return votes
