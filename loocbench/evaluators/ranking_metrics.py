"""What a ranking is worth: recall@k, average precision, mAP@R and R-precision of each query.

matches: bool [Q, M], whether the neighbour at each place, nearest first, is a right one. Queries without a right one
have no average precision: leave them out (``answerable``).
"""

from __future__ import annotations

import torch
from torch import Tensor


def answerable(matches: Tensor) -> Tensor:
    """Whether there is anything to be found: bool [Q]."""
    return matches.any(dim=1)


def recall_at(matches: Tensor, k: int) -> Tensor:
    """Whether a right one is among the first k: bool [Q]."""
    return matches[:, :k].any(dim=1)


def average_precision(matches: Tensor) -> Tensor:
    """Mean precision at the places of the right ones: float64 [Q]."""
    hits = matches.cumsum(dim=1).double()
    places = torch.arange(1, matches.shape[1] + 1, device=matches.device)
    return (hits / places * matches).sum(dim=1) / matches.sum(dim=1)


def r_precision(matches: Tensor) -> Tensor:
    """Share of right ones among the first R, where R is how many there are: float64 [Q]."""
    right, first = _first_r(matches)
    return (matches & first).sum(dim=1).double() / right


def map_at_r(matches: Tensor) -> Tensor:
    """Average precision over the first R places alone (Musgrave et al. 2020): float64 [Q]."""
    right, first = _first_r(matches)
    hits = matches.cumsum(dim=1).double()
    places = torch.arange(1, matches.shape[1] + 1, device=matches.device)
    return (hits / places * (matches & first)).sum(dim=1) / right


def _first_r(matches: Tensor) -> tuple[Tensor, Tensor]:
    """R [Q], and which places are among the first R [Q, M]."""
    right = matches.sum(dim=1)
    return right, torch.arange(matches.shape[1], device=matches.device) < right[:, None]
