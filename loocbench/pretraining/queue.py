"""The queues of negatives, one per space."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Queues(nn.Module):
    """First in, first out: entry i holds past z_i(k_i), L2-normalised. ``entries``: float [S, K, D].

    Starts with random directions, as MoCo's.
    """

    entries: Tensor
    pointer: Tensor

    def __init__(self, spaces: int, size: int, dim: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("entries", F.normalize(torch.randn(spaces, size, dim, generator=generator), dim=2))
        self.register_buffer("pointer", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def enqueue(self, keys: Tensor) -> None:
        """Replace the oldest entries by ``keys`` [S, B, D], wrapping around; of more than K keys the last K stay."""
        size = self.entries.shape[1]
        start = int(self.pointer)
        kept = keys[:, -size:]
        first = start + keys.shape[1] - kept.shape[1]
        slots = (first + torch.arange(kept.shape[1], device=keys.device)) % size
        self.entries[:, slots] = kept.to(self.entries)
        self.pointer.fill_((start + keys.shape[1]) % size)
