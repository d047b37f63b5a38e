"""Building the network that a checkpoint's card describes."""

from __future__ import annotations

from typing import Any

from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.models import architectures, spaces
from loocbench.models.inside import describe_inside, measure_dimensions
from loocbench.models.inside_names import NOTHING, InsideNames
from loocbench.models.library_network import LibraryNetwork
from loocbench.models.network import Network
from loocbench.plugins import in_use
from loocbench.pretraining.recipes import has_separate_stages
from loocbench.types import Architecture, CheckpointCard


def build_from_checkpoint(checkpoint: Checkpoint) -> Network | LibraryNetwork:
    """Build the network of a checkpoint's card and load its weights; torch's generators stay as they are.

    Raises UserError for a missing, unexpected or misshapen tensor.
    """
    card = checkpoint.card
    try:
        return architectures.build_with_weights(get_architecture(card), card.spaces, checkpoint.weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{checkpoint.where} does not fit its card: {reason}; make it anew.") from error


def build_without_weights(card: CheckpointCard) -> Network | LibraryNetwork:
    """Build the network of a card on torch's meta device: names and shapes of tensors, but no memory."""
    return architectures.build_without_weights(get_architecture(card), card.spaces)


def require_weights_fit(checkpoint: Checkpoint) -> None:
    """Raise UserError unless names and shapes of the weights are the network's.

    The network is built without weights, so that a wrong card cannot allocate memory.
    """
    card = checkpoint.card
    network = build_without_weights(card)
    needed = network.state_dict()
    shapes = {name: tensor.shape for name, tensor in checkpoint.weights.items()}
    wrong = [name for name in needed if shapes.get(name) != needed[name].shape]
    wrong += [name for name in shapes if name not in needed]
    wrong += [
        f"space {name}" for name in card.spaces if isinstance(network, LibraryNetwork) and name not in network.spaces
    ]
    if wrong:
        raise UserError(f"{checkpoint.where} does not fit its card: {', '.join(wrong[:4])}; import it anew.")


def list_inside(card: CheckpointCard) -> InsideNames:
    """Return what the network of a card offers inside it; nothing of a user's network, whose code is not run."""
    if card.backbone.startswith(architectures.PYTHON):
        return NOTHING
    return describe_inside(build_without_weights(card))


def measure_features(card: CheckpointCard) -> dict[str, int]:
    """Return the dimension of all features that a checkpoint offers, by name: its spaces, then what is inside.

    Nothing where its network cannot be built or run: a user's own, or one of a library that is not here.
    """
    return measure_architecture(get_architecture(card), card.spaces, card.preprocessing.image_size)


def measure_architecture(architecture: Architecture, space_names: tuple[str, ...], size: int) -> dict[str, int]:
    """Return the same of an architecture, its spaces beside ``general``, and images of ``size`` pixels."""
    if architecture.name.startswith(architectures.PYTHON):
        return {}
    try:
        network = architectures.build_without_weights(architecture, space_names)
        dims = measure_dimensions(network, size)
    except (UserError, RuntimeError, AssertionError, ValueError):
        return {}
    inside = describe_inside(network)
    separate = architecture.separate
    names = [*spaces.list_feature_names(space_names, separate=separate), *inside.list_names()]
    joined = {name: spaces.parse_feature_name(name, space_names, separate=separate, inside=inside) for name in names}
    return {name: sum(dims[part] for part in parts) for name, parts in joined.items()}


def cache_identity(card: CheckpointCard) -> dict[str, Any]:
    """What determines the features beside the weights, for cache keys: the network, and the hash of a user's code."""
    code = in_use.hash_code("architectures", card.backbone) or architectures.hash_user_code(card.backbone)
    of_code = {"code": code} if code else {}
    if card.recipe is not None:
        return {**card.recipe.model_dump(include={"method", "backbone", "left_out"}), **of_code}
    return {**get_architecture(card).model_dump(), "spaces": card.spaces, **of_code}


def measured_identity(card: CheckpointCard) -> dict[str, Any]:
    """As :func:`cache_identity`, with the hash of a user's code also where that was not imported yet."""
    if card.backbone.startswith(architectures.PYTHON) and not architectures.hash_user_code(card.backbone):
        build_without_weights(card)
    return cache_identity(card)


def get_architecture(card: CheckpointCard) -> Architecture:
    """Return the architecture of the network that a card describes, in the parts that loocbench gives it."""
    if card.architecture is not None:
        return card.architecture
    assert card.recipe is not None  # CheckpointCard validates that a card has one or the other
    return Architecture(
        name=card.recipe.backbone,
        separate=has_separate_stages(card.recipe),
        embedding_dim=card.recipe.embedding_dim,
        options={"img_size": card.recipe.image_size} if card.recipe.backbone.startswith(architectures.TIMM) else {},
    )
