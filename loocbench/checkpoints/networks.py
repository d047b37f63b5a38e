"""The network that a card describes."""

from __future__ import annotations

from typing import Any

from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.models import architectures
from loocbench.models.library_network import LibraryNetwork
from loocbench.models.network import Network
from loocbench.pretraining import recipes
from loocbench.types import Architecture, CheckpointCard


def build(card: CheckpointCard) -> Network | LibraryNetwork:
    """The network of a card, freshly initialised (draws from torch's global generator)."""
    return architectures.build(_architecture(card), card.spaces)


def require_fit(checkpoint: Checkpoint) -> None:
    """Raise UserError unless the weights have the network's shapes: known before memory for the network is taken."""
    card = checkpoint.card
    network = architectures.skeleton(_architecture(card), card.spaces)
    needed = network.state_dict()
    shapes = {name: tensor.shape for name, tensor in checkpoint.weights.items()}
    wrong = [name for name in needed if shapes.get(name) != needed[name].shape]
    wrong += [name for name in shapes if name not in needed]
    wrong += [
        f"space {name}" for name in card.spaces if isinstance(network, LibraryNetwork) and name not in network.spaces
    ]
    if wrong:
        raise UserError(f"{checkpoint.where} does not fit its card: {', '.join(wrong[:4])}; import it anew.")


def separate(card: CheckpointCard) -> bool:
    """Whether each space has its own copy of the last stage."""
    return _architecture(card).separate


def identity(card: CheckpointCard) -> dict[str, Any]:
    """What determines the network beside its weights, for keys of caches."""
    if card.recipe is not None:
        return card.recipe.model_dump(include={"method", "backbone", "left_out"})
    code = architectures.code(card.backbone)
    return {**_architecture(card).model_dump(), "spaces": card.spaces, **({"code": code} if code else {})}


def _architecture(card: CheckpointCard) -> Architecture:
    if card.architecture is not None:
        return card.architecture
    assert card.recipe is not None  # the card's own rule
    return Architecture(
        name=card.recipe.backbone,
        separate=recipes.separate(card.recipe),
        embedding_dim=card.recipe.embedding_dim,
    )
