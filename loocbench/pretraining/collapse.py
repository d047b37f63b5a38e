"""Signs of collapse, cheap enough for every epoch (Wang and Isola 2020, "Understanding Contrastive Representation
Learning through Alignment and Uniformity on the Hypersphere")."""

from __future__ import annotations

import torch
from torch import Tensor

_ENTRIES = 1024  # of a queue; enough for a mean over pairs


@torch.no_grad()
def alignment(queries: Tensor, positives: Tensor) -> Tensor:
    """Mean squared distance of queries and their keys in each space: [S, B, D] twice -> [S], in [0, 4]; 0 is equal."""
    return (queries - positives).square().sum(dim=2).mean(dim=1)


@torch.no_grad()
def uniformity(entries: Tensor) -> Tensor:
    """Log of the mean of exp(-2 d^2) over pairs of queue entries [S, K, D] -> [S]; 0 is collapse, about -4
    an even spread over many dimensions."""
    some = entries[:, :_ENTRIES]
    count = some.shape[1]
    if count == 1:
        return torch.zeros(len(entries), device=entries.device)
    kernel = (4 * (torch.einsum("skd,sld->skl", some, some) - 1)).exp()  # d^2 = 2 - 2 cos
    return ((kernel.sum(dim=(1, 2)) - count) / (count * (count - 1))).log()
