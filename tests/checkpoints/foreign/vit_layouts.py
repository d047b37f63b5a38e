"""ViTs of timm, and their tensors in the names of other libraries and training scripts."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor, nn

from tests.checkpoints.foreign.file_layouts import linear, other, prefixed
from tests.checkpoints.foreign.helpers import (
    assert_features_equal,
)

State = dict[str, Tensor]


def perturbed(net: nn.Module) -> nn.Module:
    """No parameter at the value that a fresh network would have, so that a forgotten one is noticed."""
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return net.eval()


def build_vit(name: str = "vit_tiny_patch16_224", **options) -> nn.Module:
    timm = pytest.importorskip("timm")
    return perturbed(timm.create_model(name, num_classes=0, **{"img_size": 64, "depth": 2, **options}))


def build_tiny_vit(**options) -> nn.Module:
    return build_vit(**{"img_size": 32, "embed_dim": 64, "num_heads": 1, "depth": 1, **options})


def tokens(net: nn.Module, pixels: Tensor) -> dict[str, Tensor]:
    """The source model's own output, class token and mean of patches."""
    with torch.inference_mode():
        every = net.forward_features(pixels)
        return {"general": net(pixels), "cls": every[:, 0], "patch": every[:, net.num_prefix_tokens :].mean(dim=1)}


def assert_all_features_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert_features_equal(found[name], values)


def dino(s: State) -> dict:
    return {
        "student": other("module.backbone.", s),
        "teacher": {**prefixed("backbone.", s), **linear("head.mlp.0", 192, 2048)},
        "optimizer": {},
    }


def moco_v3(s: State) -> dict:
    model = {**prefixed("module.base_encoder.", s), **linear("module.base_encoder.head.0", 192, 4096)}
    return {"state_dict": {**model, **other("module.momentum_encoder.", s), **linear("module.predictor.0", 256, 4096)}}


def mmpretrain(s: State) -> dict:
    out = {}
    for name, tensor in s.items():
        for old, new in (
            (r"^patch_embed\.proj\.", "patch_embed.projection."),
            (r"^blocks\.(\d+)\.norm([12])\.", r"layers.\1.ln\2."),
            (r"^blocks\.(\d+)\.mlp\.fc1\.", r"layers.\1.ffn.layers.0.0."),
            (r"^blocks\.(\d+)\.mlp\.fc2\.", r"layers.\1.ffn.layers.1."),
            (r"^blocks\.", "layers."),
            (r"^norm\.", "ln1."),
        ):
            if re.search(old, name):
                name = re.sub(old, new, name)
                break
        out[f"backbone.{name}"] = tensor
    return {"state_dict": {**out, **linear("head.layers.head", 192, 1000)}}


def transformers_names(s: State) -> dict:
    out = {}
    for name, tensor in s.items():
        block = re.match(r"blocks\.(\d+)\.(.*)\.(weight|bias)$", name)
        if block and block[2] == "attn.qkv":
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                out[f"vit.encoder.layer.{block[1]}.attention.attention.{part}.{block[3]}"] = piece.clone()
        elif block:
            place = {
                "norm1": "layernorm_before", "norm2": "layernorm_after", "attn.proj": "attention.output.dense",
                "mlp.fc1": "intermediate.dense", "mlp.fc2": "output.dense",
            }[block[2]]  # fmt: skip
            out[f"vit.encoder.layer.{block[1]}.{place}.{block[3]}"] = tensor
        else:
            place = {"cls_token": "embeddings.cls_token", "pos_embed": "embeddings.position_embeddings"}.get(name)
            place = place or name.replace("patch_embed.proj", "embeddings.patch_embeddings.projection")
            out["vit." + place.replace("norm.", "layernorm.")] = tensor
    return {**out, **linear("classifier", 192, 2)}


def name_as_open_clip(net: nn.Module) -> State:
    """A timm image tower's tensors as OpenCLIP calls them."""
    s, out = net.state_dict(), {}
    for name, tensor in s.items():
        block = re.match(r"blocks\.(\d+)\.(.*)", name)
        if block:
            rest = block[2].replace("norm1", "ln_1").replace("norm2", "ln_2").replace("mlp.fc1", "mlp.c_fc")
            rest = rest.replace("mlp.fc2", "mlp.c_proj").replace("attn.proj.", "attn.out_proj.")
            rest = rest.replace("attn.qkv.", "attn.in_proj_")
            out[f"visual.transformer.resblocks.{block[1]}.{rest}"] = tensor
    out |= {
        "visual.conv1.weight": s["patch_embed.proj.weight"],
        "visual.class_embedding": s["cls_token"][0, 0],
        "visual.positional_embedding": s["pos_embed"][0],
        **{f"visual.ln_pre.{kind}": s[f"norm_pre.{kind}"] for kind in ("weight", "bias")},
        **{f"visual.ln_post.{kind}": s[f"norm.{kind}"] for kind in ("weight", "bias")},
        "visual.proj": torch.zeros(768, 512),
    }
    text = {"token_embedding.weight": torch.zeros(9, 512), "positional_embedding": torch.zeros(77, 512)}
    return {**out, **text, "text_projection": torch.zeros(512, 512), "logit_scale": torch.zeros(())}
