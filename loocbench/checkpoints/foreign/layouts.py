"""A backbone's tensors under the names of the library that has it: torchvision's for ResNets, timm's for ViTs."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

_CHILDREN = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}
_OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.\w+)$")

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


def usual(backbone: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    """The tensors under their library's names, and what was renamed, if anything was."""
    if "0.weight" in backbone and "4.0.conv1.weight" in backbone:
        return {_from_children(name): tensor for name, tensor in backbone.items()}, "children of a torchvision ResNet"
    if "patch_embed.projection.weight" in backbone or "layers.0.ffn.layers.0.0.weight" in backbone:
        return _renamed(backbone, _MM_VIT), "OpenMMLab's ViT"
    if "embeddings.patch_embeddings.projection.weight" in backbone:
        return _joined(_renamed(backbone, _TRANSFORMERS_VIT)), "transformers' ViT"
    if any(_OLD_DENSENET.match(name) for name in backbone):
        return {_OLD_DENSENET.sub(r"\1\2", name): tensor for name, tensor in backbone.items()}, "an older DenseNet"
    return dict(backbone), ""


def to_native(name: str) -> str:
    """Where ``loocbench.models.network`` has a tensor of torchvision's ResNets."""
    if name.startswith("layer4."):
        return f"stages.general.{name.removeprefix('layer4.')}"
    return f"trunk.{name}"


def from_native(name: str, space: str) -> str | None:
    """torchvision's name for a tensor of ours, or nothing if it belongs to a head or to another space's stage."""
    if name.startswith("trunk."):
        return name.removeprefix("trunk.")
    stage = f"stages.{space}."
    return f"layer4.{name.removeprefix(stage)}" if name.startswith(stage) else None


def _from_children(name: str) -> str:
    child, _, rest = name.partition(".")
    return f"{_CHILDREN[child]}.{rest}" if child in _CHILDREN else name


def _renamed(tensors: Mapping[str, Tensor], rules: tuple[tuple[str, str], ...]) -> dict[str, Tensor]:
    out = {}
    for name, tensor in tensors.items():
        new = next((re.sub(old, to, name) for old, to in rules if re.search(old, name)), name)
        out[new] = tensor
    return out


def _joined(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Query, key and value, which transformers keeps apart, as timm's one matrix."""
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
