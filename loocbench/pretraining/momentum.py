"""The momentum encoder: an exponential moving average of the query encoder's weights."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


def copy_as_key_encoder(network: nn.Module) -> nn.Module:
    """The key encoder at the start: a copy with equal weights that takes no gradient."""
    keys = copy.deepcopy(network)
    keys.requires_grad_(False)
    return keys


@torch.no_grad()
def update(key_encoder: nn.Module, query_encoder: nn.Module, momentum: float) -> None:
    """key <- momentum * key + (1 - momentum) * query, for every parameter.

    Batch-norm statistics are not averaged: the key encoder keeps its own, as in MoCo.
    """
    keys: list[Tensor] = list(key_encoder.parameters())
    queries: list[Tensor] = list(query_encoder.parameters())
    torch._foreach_lerp_(keys, queries, 1 - momentum)
