"""Untrained networks as checkpoints: the baseline of every table, ``random:ARCHITECTURE`` on the command line."""

from __future__ import annotations

from typing import Any

import torch

from loocbench.checkpoints import native
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.models import architectures, backbone_names
from loocbench.models.preprocessing import ASSUMED_IMAGENET, default_preprocessing
from loocbench.pretraining import recipes
from loocbench.pretraining.networks import build_network
from loocbench.types import RANDOM, Architecture, CheckpointCard, Preprocessing, WeightsSource


def build_checkpoint(architecture: str, seed: int, image_size: int | None = None) -> Checkpoint:
    """Draw the weights of an architecture from ``seed``, without training.

    image_size: pixels, of a recipe's views; default the resolution that the architecture is made for. Raises UserError
    for an unknown name.
    """
    if architecture not in backbone_names.list_backbones() and (":" in architecture or _is_architecture(architecture)):
        described = Architecture(name=architectures.resolve_name(architecture))
        if image_size and described.name.startswith(architectures.TIMM):  # a ViT, which is built for its images' size
            described = described.model_copy(update={"options": {"img_size": image_size}})
        how = "that of a recipe" if image_size else ASSUMED_IMAGENET
        size = image_size or architectures.default_image_size(described.name)
        name = described.name.rpartition(":")[2]
        return _build_from_architecture(name, described, None, default_preprocessing(size), how, seed)
    recipe = recipes.untrained(architecture, seed, image_size)
    weights = build_network(recipe).state_dict()
    origin = {"recipe": recipe, "spaces": recipes.spaces(recipe)}
    return _make_checkpoint(architecture, seed, weights, default_preprocessing(recipe.image_size), origin)


def build_like(card: CheckpointCard, seed: int) -> Checkpoint:
    """An untrained network of the same architecture, spaces and preprocessing as the checkpoint with this card."""
    if card.architecture is None:
        return build_checkpoint(card.backbone, seed, card.preprocessing.image_size)
    how = f"that of {card.name}"
    if card.source and card.source.preprocessing:
        how += f" ({card.source.preprocessing})"
    return _build_from_architecture(card.name, card.architecture, card.spaces, card.preprocessing, how, seed)


def _is_architecture(name: str) -> bool:
    try:
        architectures.resolve_name(name)
    except UserError:
        return False
    return True


def _build_from_architecture(
    name: str,
    architecture: Architecture,
    spaces: tuple[str, ...] | None,
    preprocessing: Preprocessing,
    how: str,
    seed: int,
) -> Checkpoint:
    """spaces: None for the network's own. how: where the preprocessing is known from."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = architectures.build_architecture(architecture, spaces or ())
    weights = network.state_dict()
    origin = {
        "format": 2,
        "architecture": architecture,
        "source": WeightsSource(kind="random", name=architecture.name, preprocessing=how),
        "spaces": network.spaces if spaces is None else spaces,
    }
    return _make_checkpoint(name, seed, weights, preprocessing, origin)


def _make_checkpoint(
    name: str, seed: int, weights: dict[str, torch.Tensor], preprocessing: Preprocessing, origin: dict[str, Any]
) -> Checkpoint:
    """origin: the fields of the card that describe the network."""
    card = CheckpointCard(
        name=f"random-{name}-s{seed}",
        preprocessing=preprocessing,
        **origin,
        dataset="none",
        edition="",
        split="none",
        fingerprint="",
        images=0,
        epochs_done=0,
        created="",
        weights=native.weights_hash(weights),
        versions={},
        hardware="",
    )
    return Checkpoint(card, weights, f"{RANDOM}{name}")
