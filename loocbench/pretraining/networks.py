"""The network of a recipe."""

from __future__ import annotations

import torch

from loocbench.models.network import Network
from loocbench.pretraining.recipes import has_separate_stages, spaces
from loocbench.types import Recipe


def build_network(recipe: Recipe) -> Network:
    """The recipe's network, initialised from its seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return Network(
            recipe.backbone,
            spaces(recipe),
            separate=has_separate_stages(recipe),
            embedding_dim=recipe.embedding_dim,
            image_size=recipe.image_size,
        )
