"""A checkpoint's backbone as the beginning of a pretraining run: its trunk and last stage, with new heads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from loocbench.checkpoints import networks
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.models import architectures, backbone_names, vit_parts
from loocbench.models.library_network import LibraryNetwork
from loocbench.models.preprocessing import default_preprocessing
from loocbench.pretraining import recipes
from loocbench.pretraining.networks import build_network
from loocbench.types import CheckpointCard, InitialWeights, Recipe

_TRUNK, _STAGES, _HEADS = "trunk.", "stages.", "heads."
_LAST_PARTS = ("layer4.", "features.")  # in torchvision's and timm's names: what holds tensors of the last stage
_VIT, _POSITIONS = "vit.", "trunk.vit.pos_embed"  # what holds a ViT's tensors in both parts of a run's network


@dataclass(frozen=True)
class TakenWeights:
    """What a run takes from a checkpoint.

    tensors: names in the run's network -> values. lines: what was taken and what not, in words.
    """

    tensors: Mapping[str, Tensor]
    lines: tuple[str, ...]


def find_settings(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the settings of a run from this checkpoint where neither the user nor a recipe card states any.

    They are those of its recipe, if loocbench trained it; else the defaults, with its backbone and its image size.
    Raises UserError if ``pretrain`` has no such backbone.
    """
    card = checkpoint.card
    backbone = _require_backbone(checkpoint)
    if card.recipe and not card.recipe.untrained:
        return recipes.settings_of(card.recipe)
    return {**recipes.DEFAULTS, "backbone": backbone, "image_size": card.preprocessing.image_size}


def describe_origin(card: CheckpointCard) -> InitialWeights:
    """Return what a recipe records of the checkpoint that its run begins from."""
    return InitialWeights(
        name=card.name,
        weights=card.weights,
        source="" if card.source is None or card.untrained else str(card.source),
        dataset="nothing" if card.untrained else card.dataset,
    )


def take_weights(checkpoint: Checkpoint, recipe: Recipe) -> TakenWeights:
    """Match a checkpoint's backbone with the network of a recipe.

    Each of the run's last stages begins from the checkpoint's: from the one of its own name, if there are several, else
    from the first. A ViT's positions are resampled to the grid of the run's images. Raises UserError unless every other
    tensor of the run's trunk and last stages is there, in its shape.
    """
    found = _require_backbone(checkpoint)
    if found != recipe.backbone:
        raise UserError(
            f"{checkpoint.card.name} is a {found}, which cannot begin a {recipe.backbone}; state --backbone {found}, "
            "or another --init."
        )
    with torch.device("meta"):
        network = build_network(recipe)
    needed = {name: tensor.shape for name, tensor in network.state_dict().items() if not name.startswith(_HEADS)}
    stages = _list_stages(checkpoint)
    origins = {name: name if name in stages else stages[0] if stages else "" for name in network.stages}
    tensors, used, resampled = {}, set(), ""
    for name, shape in needed.items():
        source = next((one for one in _name_sources(name, origins) if one in checkpoint.weights), "")
        values = checkpoint.weights.get(source)
        if name == _POSITIONS and values is not None:
            values, resampled = _resample_positions(checkpoint, values, network.trunk.vit)
        if values is None or values.shape != shape:
            what = "not there" if values is None else f"{list(values.shape)}, not {list(shape)}"
            raise UserError(
                f"{checkpoint.card.name} does not fit {recipe.backbone}: {source or name} is {what}; name another "
                "--init."
            )
        tensors[name] = values
        used.add(source)
    unused = [name for name in checkpoint.weights if name not in used]
    return TakenWeights(tensors, tuple(_describe(checkpoint, recipe, tensors, origins, unused, resampled)))


def _require_backbone(checkpoint: Checkpoint) -> str:
    """Return the name of a checkpoint's backbone for ``pretrain``. Raises UserError if it has none of this kind."""
    name = checkpoint.card.backbone
    bare = name.removeprefix(architectures.TORCHVISION)
    if name.startswith(architectures.TIMM):
        bare = name.removeprefix(architectures.TIMM).partition(".")[0]
        if bare not in backbone_names.TORCHVISION:  # timm's MobileNets have other names
            bare = _name_vit(checkpoint, bare)
    if bare not in backbone_names.list_trainable() and not bare.startswith(architectures.TIMM):
        raise UserError(
            f"{checkpoint.card.name} is a {name}, which pretrain cannot train; begin from one of "
            f"{', '.join(backbone_names.list_trainable())}, or a plain ViT of timm."
        )
    return bare


def _name_vit(checkpoint: Checkpoint, bare: str) -> str:
    """Return the name for ``pretrain`` of a checkpoint's ViT; "" if it is not one of timm's, but for its image size."""
    if checkpoint.card.recipe:
        return checkpoint.card.backbone
    found = vit_parts.find_same_vit(_build_vit(checkpoint), bare)
    return f"{architectures.TIMM}{found}" if found else ""


def _build_vit(checkpoint: Checkpoint) -> Any:
    """Return a checkpoint's network of timm, or the trunk of one that loocbench trained, without weights."""
    network = networks.build_without_weights(checkpoint.card)
    return network.net if isinstance(network, LibraryNetwork) else network.trunk.vit


def _resample_positions(checkpoint: Checkpoint, values: Tensor, target: Any) -> tuple[Tensor, str]:
    """Return the positions of a checkpoint's ViT for the grid of another, and how that is said."""
    source = _build_vit(checkpoint)
    grids = [" x ".join(map(str, vit.patch_embed.grid_size)) for vit in (source, target)]
    if grids[0] == grids[1]:
        return values, ""
    told = f"; positions of {grids[0]} patches resampled to {grids[1]}"
    return vit_parts.resample_positions(values, source, target), told


def _list_stages(checkpoint: Checkpoint) -> list[str]:
    """Return the names of the last stages of a checkpoint, in order; none of another library's network."""
    found = [name.split(".")[1] for name in checkpoint.weights if name.startswith(_STAGES)]
    order = {name: position for position, name in enumerate(checkpoint.card.spaces)}
    return sorted(dict.fromkeys(found), key=lambda name: order.get(name, -1))


def _name_sources(name: str, origins: Mapping[str, str]) -> Iterator[str]:
    """The names that a tensor of the run's network may have in the checkpoint: ours, or its library's."""
    if name.startswith(_TRUNK):
        rest = name.removeprefix(_TRUNK)
        yield from (name, f"{architectures.NET}{rest}", f"{architectures.NET}features.{rest}")
        yield f"{architectures.NET}{rest.removeprefix(_VIT)}"
        return
    _, stage, rest = name.split(".", 2)
    yield f"{_STAGES}{origins[stage]}.{rest}"
    yield from (f"{architectures.NET}{part}{rest}" for part in _LAST_PARTS)
    yield f"{architectures.NET}{rest.removeprefix(_VIT)}"


def _describe(
    checkpoint: Checkpoint,
    recipe: Recipe,
    tensors: Mapping[str, Tensor],
    origins: Mapping[str, str],
    unused: list[str],
    resampled: str,
) -> Iterator[str]:
    """In words what was taken, what not, and how the images differ from those that the checkpoint was trained on."""
    trunk = sum(name.startswith(_TRUNK) for name in tensors)
    each = (len(tensors) - trunk) // len(origins)
    other = [name for name in origins if name != origins[name] and len(_list_stages(checkpoint)) > 1]
    whose = ", ".join(f"{name} from {origins[name]}" for name in other)
    stages = f"each of {len(origins)} last stages" if len(origins) > 1 else "the last stage"
    heads = f"; new heads: {', '.join(recipes.spaces(recipe))}" if recipes.spaces(recipe) else "; a new classifier"
    yield (
        f"begins from {describe_origin(checkpoint.card)}: {trunk} tensors of the trunk, {each} of {stages}"
        f"{f' ({whose})' if whose else ''}{resampled}{heads}"
    )
    groups = Counter(".".join(name.removeprefix(architectures.NET).split(".")[:2]) for name in unused)
    left = ", ".join(f"{group} ({count})" for group, count in groups.items())
    values, ours = checkpoint.card.preprocessing, default_preprocessing(recipe.image_size)
    note = "" if (values.mean, values.std) == (ours.mean, ours.std) else _note_normalisation(values.mean, values.std)
    yield f"not taken: {left or 'nothing'}{note}"


def _note_normalisation(*values: tuple[float, float, float]) -> str:
    mean, std = (" ".join(f"{value:g}" for value in triple) for triple in values)
    return f"; its images had mean {mean} and std {std}, these have ImageNet's"
