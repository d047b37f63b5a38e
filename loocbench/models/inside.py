"""Features inside a network: its stages or blocks, and its embeddings, in the same forward pass as its spaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from loocbench.models.inside_names import BLOCK, CLS, PATCH, PROJECTION, STAGE, InsideNames
from loocbench.models.library_network import LibraryNetwork
from loocbench.models.network import Network
from loocbench.models.spaces import GENERAL
from loocbench.models.vit_parts import ViTLastStage, ViTTrunk


def describe_inside(network: Network | LibraryNetwork) -> InsideNames:
    """Return which features inside a network are offered."""
    if isinstance(network, Network):
        # Several last stages are spaces of their own, head:NAME, and there is no single one to count.
        if isinstance(network.trunk, ViTTrunk):
            blocks = len(network.trunk.vit.blocks) + len(_list_single_stage(network))
            return InsideNames(blocks=blocks, class_token=network.trunk.prefix > 0, projections=tuple(network.heads))
        last = 1 if GENERAL in network.stages else 0
        stages = len(network.trunk_stages) + last if network.trunk_stages else 0
        return InsideNames(stages=stages, projections=tuple(network.heads))
    layers = network.layers
    if layers is None:
        return InsideNames()
    if layers.prefix is None:
        return InsideNames(stages=layers.count)
    return InsideNames(blocks=layers.count, class_token=layers.prefix > 0)


def read_inside(network: Network | LibraryNetwork, parts: Sequence[str]) -> LibraryNetwork:
    """Wrap a network, which stays as it is, so that its spaces have these parts beside them.

    parts: what :meth:`InsideNames.parse` returns.
    """

    def read(net: Any, images: Tensor) -> Mapping[str, Tensor]:
        if isinstance(net, Network):
            return _read_network(net, images, parts)
        return _read_library_network(net, images, parts)

    return LibraryNetwork(network, network.spaces, read)


def measure_dimensions(network: Network | LibraryNetwork, size: int) -> dict[str, int]:
    """Return the dimension of each space (``general`` first, if there is one) and of each part inside a network.

    network: without weights, too (``architectures.build_without_weights``). size: of images, in pixels.
    """
    offered = describe_inside(network)
    parts = dict.fromkeys(part for name in offered.list_names() for part in offered.parse(name))
    device = next(network.parameters()).device
    with torch.inference_mode():
        found = read_inside(network.eval(), list(parts)).forward_spaces(torch.zeros(1, 3, size, size, device=device))
    return {name: values.shape[1] for name, values in found.items()}


def _list_single_stage(network: Network) -> list[nn.Module]:
    """Return the blocks of the one last stage of a ViT; none where each space has its own."""
    if GENERAL not in network.stages:
        return []
    stage = network.stages[GENERAL]
    assert isinstance(stage, ViTLastStage)  # as the trunk is a ViT's
    return list(stage.vit.blocks)


def _read_network(net: Network, images: Tensor, parts: Sequence[str]) -> dict[str, Tensor]:
    if isinstance(net.trunk, ViTTrunk):
        return _read_vit(net, net.trunk, images, parts)
    maps, stages = images, []
    if net.trunk_stages:
        for name, layer in net.trunk.named_children():
            maps = layer(maps)
            if name in net.trunk_stages:
                stages.append(maps.mean(dim=(2, 3)))
    else:
        maps = net.trunk(images)
    pooled = net.pool_stages(maps)
    stages += [pooled[GENERAL]] if GENERAL in pooled else []
    found = {f"{STAGE}{number}": values for number, values in enumerate(stages, 1)}
    return _select_parts(net, pooled, found, parts)


def _read_vit(net: Network, trunk: ViTTrunk, images: Tensor, parts: Sequence[str]) -> dict[str, Tensor]:
    """Blocks are normalised by the last stage; where each space has its own, the trunk's by that of the first."""
    outputs = trunk.read_blocks(images)
    pooled = net.pool_stages(outputs[-1])
    stage = next(iter(net.stages.values()))
    assert isinstance(stage, ViTLastStage)
    if GENERAL in net.stages:
        outputs += stage.read_blocks(outputs[-1])
    found: dict[str, Tensor] = {}
    for number in sorted({int(part.split(":")[1]) for part in parts if part.startswith(BLOCK)}):
        found |= _name_tokens(number, stage.normalise(outputs[number]), trunk.prefix)
    return _select_parts(net, pooled, found, parts)


def _select_parts(
    net: Network, pooled: dict[str, Tensor], found: dict[str, Tensor], parts: Sequence[str]
) -> dict[str, Tensor]:
    """Return the spaces of a network, and the parts that were asked for: of ``found``, or embeddings."""
    if any(part.startswith(PROJECTION) for part in parts):
        embeddings = net.project(pooled)
        found |= {f"{PROJECTION}{name}": embeddings[number] for number, name in enumerate(net.heads)}
    return {**net.name_spaces(pooled), **{part: found[part] for part in parts}}


def _name_tokens(number: int, tokens: Tensor, prefix: int) -> dict[str, Tensor]:
    """Return the mean of the patches after a block, and the class token if there is one, by name."""
    own = {f"{BLOCK}{number}{CLS}": tokens[:, 0]} if prefix else {}
    return {**own, f"{BLOCK}{number}{PATCH}": tokens[:, prefix:].mean(dim=1)}


def _read_library_network(network: LibraryNetwork, images: Tensor, parts: Sequence[str]) -> dict[str, Tensor]:
    if not parts:
        return dict(network.read(network.net, images))
    assert network.layers is not None  # parts are names that were offered
    wanted = sorted({int(part.split(":")[1]) for part in parts})
    spaces, outputs = network.layers.read(network.net, images, wanted)
    found: dict[str, Tensor] = {}
    for number, output in zip(wanted, outputs, strict=True):
        if network.layers.prefix is None:
            found[f"{STAGE}{number}"] = output.mean(dim=(2, 3))
            continue
        found |= _name_tokens(number, output, network.layers.prefix)
    return {**spaces, **{part: found[part] for part in parts}}
