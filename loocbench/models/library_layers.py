"""How tokens and inner layers are read from networks of torchvision and timm."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from loocbench.models.library_network import InnerLayers
from loocbench.models.spaces import GENERAL

if TYPE_CHECKING:
    from torchvision.models import VisionTransformer

_RESNET = ("conv1", "layer1", "layer2", "layer3", "layer4", "forward_intermediates")


def forward_torchvision_tokens(net: VisionTransformer, images: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the pooled output [N, D] and all tokens [N, 1 + patches, D] of a ViT of torchvision."""
    patches = net._process_input(images)
    every = net.encoder(torch.cat([net.class_token.expand(len(patches), -1, -1), patches], dim=1))
    return every[:, 0], every


def read_torchvision_blocks(
    net: VisionTransformer, images: Tensor, numbers: Sequence[int]
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Compute the same, and the normalised tokens after some blocks."""
    patches = net._process_input(images)
    tokens = torch.cat([net.class_token.expand(len(patches), -1, -1), patches], dim=1)
    tokens = net.encoder.dropout(tokens + net.encoder.pos_embedding)
    outputs = []
    for number, block in enumerate(net.encoder.layers):
        tokens = block(tokens)
        if number in numbers:
            outputs.append(net.encoder.ln(tokens))
    every = net.encoder.ln(tokens)
    return every[:, 0], every, outputs


def forward_timm_tokens(net: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the pooled output [N, D] and all tokens [N, prefix + patches, D] of a ViT of timm."""
    every = net.forward_features(images)
    return net.forward_head(every, pre_logits=True), every


def read_timm_blocks(net: Any, images: Tensor, numbers: Sequence[int]) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Compute the same, and the normalised tokens after some blocks."""
    every, found = net.forward_intermediates(
        images, indices=list(numbers), return_prefix_tokens=True, norm=True, output_fmt="NLC"
    )
    outputs = [torch.cat([one[1], one[0]], dim=1) if isinstance(one, tuple) else one for one in found]
    return net.forward_head(every, pre_logits=True), every, outputs


def count_timm_blocks(net: Any) -> int:
    """Return the number of blocks of a ViT of timm that :func:`read_timm_blocks` can read; 0 for another network."""
    read, blocks = getattr(net, "forward_intermediates", None), getattr(net, "blocks", None)
    if read is None or not isinstance(blocks, nn.Sequential | nn.ModuleList):
        return 0
    known = inspect.signature(read).parameters
    return len(blocks) if {"return_prefix_tokens", "norm", "output_fmt"} <= known.keys() else 0


def find_timm_stages(net: Any) -> InnerLayers | None:
    """Return the stages of a ResNet of timm; None for another network."""
    return InnerLayers(4, None, _read_timm_stages) if all(hasattr(net, name) for name in _RESNET) else None


def _read_timm_stages(net: Any, images: Tensor, numbers: Sequence[int]) -> tuple[Mapping[str, Tensor], list[Tensor]]:
    # timm counts the stem as 0.
    maps, outputs = net.forward_intermediates(images, indices=list(numbers))
    return {GENERAL: net.forward_head(maps)}, outputs
