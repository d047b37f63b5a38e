"""Exporting a backbone's weights under torchvision's or timm's parameter names."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import torch
from safetensors.torch import save
from torch import Tensor

from loocbench import files
from loocbench.checkpoints import card_file, networks
from loocbench.checkpoints.foreign import export_statement, tensor_names
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError, unknown
from loocbench.models import architectures, backbone_names, vit_parts
from loocbench.models.spaces import GENERAL
from loocbench.types import Architecture, CheckpointCard

Layout = Literal["torchvision", "timm", "onnx"]
LAYOUTS: tuple[str, ...] = get_args(Layout)
_SUFFIXES = {"torchvision": (".pth", ".pt", ".safetensors"), "onnx": (".onnx",)}
_SUFFIXES["timm"] = _SUFFIXES["torchvision"]
_VIT = (  # torchvision's name, timm's name
    ("class_token", "cls_token"),
    ("encoder.pos_embedding", "pos_embed"),
    ("conv_proj.", "patch_embed.proj."),
    ("encoder.ln.", "norm."),
)
_VIT_BLOCK = (
    ("ln_1.", "norm1."),
    ("ln_2.", "norm2."),
    ("self_attention.in_proj_", "attn.qkv."),
    ("self_attention.out_proj.", "attn.proj."),
    ("mlp.0.", "mlp.fc1."),
    ("mlp.3.", "mlp.fc2."),
)


def rename_tensors(checkpoint: Checkpoint, layout: str, space: str | None = None) -> dict[str, Tensor]:
    """The backbone's tensors under the parameter names of ``layout``.

    space: whose last stage to take, if each space has its own. Raises UserError if the layout has no such network.
    """
    card, name = checkpoint.card, checkpoint.card.backbone
    library = name.partition(":")[0] if ":" in name else ""
    if library and card.recipe:
        return _rename_pretrained_vit(checkpoint, layout, space)
    if library:
        found = {key.removeprefix(architectures.NET): tensor for key, tensor in checkpoint.weights.items()}
        if library == layout:
            return found
        if library == "torchvision" and name.startswith("torchvision:vit_"):
            return {_vit_name(key): tensor for key, tensor in found.items()}
        raise UserError(f"{layout} has no layout of {name} that is the same network; use its own library's, or onnx.")
    if name not in backbone_names.TORCHVISION or (card.architecture and card.architecture.options):
        raise UserError(f"{layout} has no {name} like this one; export it with --format onnx.")
    # timm names the parameters of ResNets as torchvision does.
    stage = _choose_stage(card, space)
    renamed = {tensor_names.to_torchvision_name(key, stage): tensor for key, tensor in checkpoint.weights.items()}
    return {key: tensor for key, tensor in renamed.items() if key is not None}


def _choose_stage(card: CheckpointCard, space: str | None) -> str:
    """Return the name of the last stage to export. Raises UserError if there are several and none of them is named."""
    stages = card.spaces if card_file.has_separate_stages(card) else (GENERAL,)
    if space is None and len(stages) > 1:
        raise UserError(f"each space has its own last stage; name one with --space: {', '.join(stages)}.")
    if space is not None and space not in stages:
        raise unknown("space", space, stages)
    return space or stages[0]


def _rename_pretrained_vit(checkpoint: Checkpoint, layout: str, space: str | None) -> dict[str, Tensor]:
    """Return the tensors of a ViT that loocbench trained under timm's names. Raises UserError for another layout."""
    if layout != "timm":
        raise UserError(f"{layout} has no layout of {checkpoint.card.backbone}; export it with --format timm, or onnx.")
    stage = _choose_stage(checkpoint.card, space)
    renamed = {vit_parts.to_timm_name(key, stage): tensor for key, tensor in checkpoint.weights.items()}
    return {key: tensor for key, tensor in renamed.items() if key is not None}


def write_tensors(path: Path, checkpoint: Checkpoint, layout: str, weights: Mapping[str, Tensor]) -> None:
    """Write the renamed tensors of a checkpoint: .safetensors by safetensors, other endings by ``torch.save``.

    The file carries its preprocessing (see :mod:`~loocbench.checkpoints.foreign.export_statement`): in its metadata,
    or in an attribute of the OrderedDict, which ``load_state_dict`` does not see.
    """
    plain = OrderedDict((name, tensor.detach().cpu().contiguous()) for name, tensor in weights.items())
    statement = export_statement.write_statement(
        checkpoint.card, architecture=_name_architecture(checkpoint.card, layout), weights=plain
    )
    with files.writing(path) as part:
        if path.suffix == ".safetensors":
            part.write_bytes(save(plain, metadata={"format": "pt", export_statement.KEY: statement}))
        else:
            setattr(plain, export_statement.KEY, statement)
            torch.save(plain, part)


def _name_architecture(card: CheckpointCard, layout: str) -> Architecture | None:
    """Return the architecture that the exported tensors are of, or None if another library's names hide which."""
    if ":" not in card.backbone:
        return Architecture(name=card.backbone)
    if card.recipe:  # a ViT, which is timm's again without its heads
        return Architecture(name=card.backbone, options=networks.get_architecture(card).options)
    return card.architecture if card.backbone.startswith(f"{layout}:") else None


def check_suffix(path: Path, layout: str) -> None:
    """Raise UserError for an unknown layout, or a file name with another ending than the layout's."""
    if layout not in LAYOUTS:
        raise unknown("format", layout, LAYOUTS)
    if path.suffix not in _SUFFIXES[layout]:
        raise UserError(f"{path} does not end in {' or '.join(_SUFFIXES[layout])}, as {layout} files do; rename it.")


def _vit_name(name: str) -> str:
    """timm's name of a parameter of torchvision's ViT."""
    if block := re.match(r"encoder\.layers\.encoder_layer_(\d+)\.(.*)", name):
        rest = block[2]
        for theirs, timm in _VIT_BLOCK:
            rest = timm + rest.removeprefix(theirs) if rest.startswith(theirs) else rest
        return f"blocks.{block[1]}.{rest}"
    return next((timm + name.removeprefix(theirs) for theirs, timm in _VIT if name.startswith(theirs)), name)
