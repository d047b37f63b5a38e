"""Ranking metrics per query: recall@k, average precision, mAP@R and R-precision, and their values under chance.

matches: bool [Q, M], whether the neighbour at each place, nearest first, is relevant. Average precision is not defined
for queries without a relevant image: leave them out (``has_relevant``).
"""

from __future__ import annotations

import torch
from torch import Tensor

RECALLS = (1, 5, 10)


def all_metrics(matches: Tensor) -> dict[str, Tensor]:
    """Return every metric by name, [Q] each; precisions only for the queries that have a relevant image."""
    asked = matches[has_relevant(matches)]
    return {
        **{f"recall{k}": recall_at(matches, k) for k in RECALLS},
        "map": average_precision(asked),
        "map_at_r": map_at_r(asked),
        "r_precision": r_precision(asked),
    }


def all_chances(matches: Tensor) -> dict[str, Tensor]:
    """Return the expectation of :func:`all_metrics` under a random order, float64, on the CPU."""
    relevant, places = matches.sum(dim=1).cpu(), matches.shape[1]
    asked = relevant[relevant > 0]
    return {
        **{f"recall{k}": chance_recall_at(relevant, places, k) for k in RECALLS},
        "map": chance_average_precision(asked, places),
        "map_at_r": chance_map_at_r(asked, places),
        "r_precision": asked.double() / places,
    }


def has_relevant(matches: Tensor) -> Tensor:
    """Return whether a query has a relevant image: bool [Q]."""
    return matches.any(dim=1)


def recall_at(matches: Tensor, k: int) -> Tensor:
    """Return whether a relevant image is among the first k: bool [Q]."""
    return matches[:, :k].any(dim=1)


def average_precision(matches: Tensor) -> Tensor:
    """Return the mean precision at the places of the relevant images: float64 [Q]."""
    hits = matches.cumsum(dim=1).double()
    places = torch.arange(1, matches.shape[1] + 1, device=matches.device)
    return (hits / places * matches).sum(dim=1) / matches.sum(dim=1)


def r_precision(matches: Tensor) -> Tensor:
    """Return the precision at R, the number of relevant images: float64 [Q]."""
    right, first = _first_r(matches)
    return (matches & first).sum(dim=1).double() / right


def map_at_r(matches: Tensor) -> Tensor:
    """Return mAP@R, the average precision over the first R places (Musgrave et al. 2020): float64 [Q]."""
    right, first = _first_r(matches)
    hits = matches.cumsum(dim=1).double()
    places = torch.arange(1, matches.shape[1] + 1, device=matches.device)
    return (hits / places * (matches & first)).sum(dim=1) / right


def chance_recall_at(relevant: Tensor, places: int, k: int) -> Tensor:
    """Return the expected :func:`recall_at` in a random order of ``places`` images with ``relevant`` [Q] matches."""
    missed = torch.ones_like(relevant, dtype=torch.float64)
    for place in range(min(k, places)):
        missed *= (places - relevant - place).clamp(min=0).double() / (places - place)
    return 1 - missed


def chance_average_precision(relevant: Tensor, places: int) -> Tensor:
    """Return the expected :func:`average_precision` under a random order: float64 [Q], for relevant >= 1."""
    return _chance_up_to(torch.full_like(relevant, places), relevant, places)


def chance_map_at_r(relevant: Tensor, places: int) -> Tensor:
    """Return the expected :func:`map_at_r` under a random order: float64 [Q], for relevant >= 1."""
    return _chance_up_to(relevant, relevant, places)


def _chance_up_to(last: Tensor, relevant: Tensor, places: int) -> Tensor:
    """Return the expectation of 1/R sum over i <= last of relevant_i / i * (number of relevant places up to i).

    A place is relevant with probability R / M, two places together with R (R - 1) / (M (M - 1)); so it is
    H_last / M + (R - 1) (last - H_last) / (M (M - 1)), H the harmonic numbers.
    """
    harmonic = torch.arange(1, places + 1, dtype=torch.float64, device=last.device).reciprocal().cumsum(0)[last - 1]
    pairs = (relevant - 1) * (last - harmonic) / (places * max(places - 1, 1))
    return harmonic / places + pairs


def _first_r(matches: Tensor) -> tuple[Tensor, Tensor]:
    """Return R [Q], and a mask of the first R places [Q, M]."""
    right = matches.sum(dim=1)
    return right, torch.arange(matches.shape[1], device=matches.device) < right[:, None]
