"""Renaming a backbone's tensors: to torchvision's names for ResNets and to timm's for ViTs, and from and to ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from loocbench.checkpoints.foreign import transformers_towers

TRANSFORMERS = "transformers' ViT"
TOWER = "transformers' image tower of CLIP or SigLIP"
_CHILDREN = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
_OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.\w+)$")

_FLAT_MOBILENET = re.compile(r"^(features\.(\d+)\.conv)\.(\d)\.")
# tonylins/pytorch-mobilenet-v2: layers of a block, of which torchvision puts convolution and batch norm together
_FIRST_BLOCK = {"0": "0.0", "1": "0.1", "3": "1", "4": "2"}
_OTHER_BLOCKS = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2", "7": "3"}

_CHUNKED = re.compile(r"^blocks\.(\d+)\.(\d+)\.")

_MM_VIT = (  # open-mmlab's VisionTransformer
    (r"^patch_embed\.projection\.", "patch_embed.proj."),
    (r"^layers\.(\d+)\.ffn\.layers\.0\.0\.", r"blocks.\1.mlp.fc1."),
    (r"^layers\.(\d+)\.ffn\.layers\.1\.", r"blocks.\1.mlp.fc2."),
    (r"^layers\.(\d+)\.(?:ln|norm)([12])\.", r"blocks.\1.norm\2."),
    (r"^layers\.(\d+)\.", r"blocks.\1."),
    (r"^ln1\.", "norm."),
)
_TRANSFORMERS_VIT = (  # huggingface/transformers' ViTModel and Dinov2Model
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.mask_token$", "mask_token"),
    (r"^embeddings\.register_tokens$", "register_tokens"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^encoder\.layer\.(\d+)\.attention\.attention\.", r"blocks.\1.attn."),
    (r"^encoder\.layer\.(\d+)\.attention\.output\.dense\.", r"blocks.\1.attn.proj."),
    (r"^encoder\.layer\.(\d+)\.(?:norm1|layernorm_before)\.", r"blocks.\1.norm1."),
    (r"^encoder\.layer\.(\d+)\.(?:norm2|layernorm_after)\.", r"blocks.\1.norm2."),
    (r"^encoder\.layer\.(\d+)\.layer_scale([12])\.lambda1$", r"blocks.\1.ls\2.gamma"),
    (r"^encoder\.layer\.(\d+)\.intermediate\.dense\.", r"blocks.\1.mlp.fc1."),
    (r"^encoder\.layer\.(\d+)\.output\.dense\.", r"blocks.\1.mlp.fc2."),
    (r"^encoder\.layer\.(\d+)\.mlp\.weights_in\.", r"blocks.\1.mlp.w12."),
    (r"^encoder\.layer\.(\d+)\.mlp\.weights_out\.", r"blocks.\1.mlp.w3."),
    (r"^encoder\.layer\.(\d+)\.", r"blocks.\1."),
    (r"^layernorm\.", "norm."),
)


def to_library_names(backbone: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """Return the tensors by torchvision's or timm's names, and whose names they had ("" if nothing was renamed)."""
    if "0.weight" in backbone and "4.0.conv1.weight" in backbone:
        return {_name_child(name): tensor for name, tensor in backbone.items()}, "children of a torchvision ResNet"
    if "patch_embed.projection.weight" in backbone or "layers.0.ffn.layers.0.0.weight" in backbone:
        return _apply_rules(backbone, _MM_VIT), "OpenMMLab's ViT"
    if "embeddings.patch_embeddings.projection.weight" in backbone:
        return _join_query_key_value(_apply_rules(backbone, _TRANSFORMERS_VIT)), TRANSFORMERS
    if transformers_towers.MARK in backbone:
        return transformers_towers.to_timm_names(backbone), TOWER
    if "patch_embed.proj.weight" in backbone and any(re.match(r"blocks\.\d+\.\d+\.norm1\.", name) for name in backbone):
        return _join_chunks(backbone), "DINOv2's chunks of blocks"
    if {"features.1.conv.4.weight", "features.2.conv.7.weight"} <= backbone.keys():
        return {_name_mobilenet_layer(name): tensor for name, tensor in backbone.items()}, "tonylins' MobileNetV2"
    if any(_OLD_DENSENET.match(name) for name in backbone):
        return {_OLD_DENSENET.sub(r"\1\2", name): tensor for name, tensor in backbone.items()}, "an older DenseNet"
    return dict(backbone), ""


def to_native_name(name: str) -> str:
    """Return the name in :class:`loocbench.models.network.Network` of a tensor of torchvision's ResNets."""
    if name.startswith("layer4."):
        return f"stages.general.{name.removeprefix('layer4.')}"
    return f"trunk.{name}"


def to_torchvision_name(name: str, space: str) -> str | None:
    """Return torchvision's name of a tensor of ``Network``; None for a head or for the last stage of another space."""
    if name.startswith("trunk."):
        return name.removeprefix("trunk.")
    stage = f"stages.{space}."
    return f"layer4.{name.removeprefix(stage)}" if name.startswith(stage) else None


def _name_child(name: str) -> str:
    child, _, rest = name.partition(".")
    return f"{_CHILDREN[child]}.{rest}" if child in _CHILDREN else name


def _name_mobilenet_layer(name: str) -> str:
    match = _FLAT_MOBILENET.match(name)
    places = _FIRST_BLOCK if match and match[2] == "1" else _OTHER_BLOCKS  # the first block does not widen its input
    return f"{match[1]}.{places[match[3]]}.{name[match.end() :]}" if match and match[3] in places else name


def _apply_rules(tensors: Mapping[str, Tensor], rules: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    out = {}
    for name, tensor in tensors.items():
        new = next((re.sub(old, to, name) for old, to in rules if re.search(old, name)), name)
        out[new] = tensor
    return out


def _join_chunks(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors with blocks numbered through: ``blocks.CHUNK.NUMBER.`` becomes ``blocks.NUMBER.``.

    facebookresearch/dinov2 fills a chunk up with empty modules, so that its numbers are those of the whole; where two
    chunks have the same number, they are counted within each.
    """
    found = {(int(match[1]), int(match[2])) for name in tensors if (match := _CHUNKED.match(name))}
    counted_within = len({number for _, number in found}) < len(found)
    place = {pair: count if counted_within else pair[1] for count, pair in enumerate(sorted(found))}
    return {
        _CHUNKED.sub(lambda match: f"blocks.{place[int(match[1]), int(match[2])]}.", name): tensor
        for name, tensor in tensors.items()
    }


def _join_query_key_value(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Concatenate query, key and value, which transformers keeps apart, to timm's single matrix."""
    out: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        match = re.match(r"(.*\.attn)\.(query|key|value)\.(weight|bias)$", name)
        parts = [f"{match[1]}.{part}.{match[3]}" for part in ("query", "key", "value")] if match else []
        alike = tensor.ndim > 0 and all(part in tensors and tensors[part].shape == tensor.shape for part in parts)
        if not match or not alike:
            out[name] = tensor
        elif match[2] == "query":
            out[f"{match[1]}.qkv.{match[3]}"] = torch.cat([tensors[part] for part in parts])
    return out
