"""Recognising vision transformers from the names and shapes of a backbone's tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from loocbench.checkpoints.foreign import position_grid
from loocbench.checkpoints.foreign.types import RecognisedArchitecture
from loocbench.errors import UserError
from loocbench.extras import require
from loocbench.models import architectures
from loocbench.types import Architecture

_TORCHVISION_VIT = {(16, 768, 12): "vit_b_16", (32, 768, 12): "vit_b_32", (16, 1024, 24): "vit_l_16"} | {
    (32, 1024, 24): "vit_l_32",
    (14, 1280, 32): "vit_h_14",
}
TIMM_SIZES = {192: "tiny", 384: "small", 768: "base", 1024: "large", 1280: "huge"}
_DINOV2 = {"small": 12, "base": 12, "large": 24, "giant": 40}  # blocks of each size that was published
EPSILON = "layer norm's epsilon 1e-6"  # a note
Options = dict[str, bool | int | float | str]
# Limits, so that a file cannot make loocbench build a network of any size:
_LARGEST = 8192  # pixels, channels
_DEEPEST = 256  # blocks


def require_known_heads(tensors: Mapping[str, Tensor]) -> None:
    """Raise UserError for OpenMMLab's MoCo v3 with a ViT of width 384: only its configuration tells the heads."""
    stem = read_stem(tensors, "patch_embed.proj.weight")
    if stem and stem[0] == 384:
        raise UserError(
            "how many attention heads a ViT-small of OpenMMLab's MoCo v3 has is not in the file; give --num-heads 12 "
            "(its mocov3-small) or 6 (the usual ViT-small)."
        )


def recognise_torchvision_vit(tensors: Mapping[str, Tensor]) -> RecognisedArchitecture | None:
    """Return torchvision's ViT of this width, depth, patch size and number of positions, or None.

    Raises UserError for positions of another grid than a square one.
    """
    stem, positions = read_stem(tensors, "conv_proj.weight"), tensors.get("encoder.pos_embedding")
    if stem is None or positions is None or positions.ndim != 3:
        return None
    width, patch = stem
    depth = len({name.split(".")[2] for name in tensors if name.startswith("encoder.layers.")})
    name = _TORCHVISION_VIT.get((patch, width, depth))
    if name is None or not _has_sane_size(positions):
        return None
    side, assumed = position_grid.read_square_grid(positions)
    size = side * patch
    if not 0 < size <= _LARGEST:
        return None
    architecture = Architecture(
        name=f"{architectures.TORCHVISION}{name}", options={"image_size": size} if size != 224 else {}
    )
    return RecognisedArchitecture(architecture, (assumed,) if assumed else ())


def recognise_timm_vit(
    tensors: Mapping[str, Tensor], family: str, given: int | None, stated: tuple[int, int] | None = None
) -> RecognisedArchitecture | None:
    """Return timm's VisionTransformer with these shapes, or None.

    given: number of attention heads, which the shapes do not tell; None assumes the usual one. stated: rows and columns
    of the grid of patches, if they are known. Raises UserError for a number of heads that does not divide the width,
    and for positions that do not tell their grid.
    """
    stem, positions = read_stem(tensors, "patch_embed.proj.weight"), tensors.get("pos_embed")
    if stem is None or positions is None or positions.ndim != 3:
        return None
    width, patch = stem
    blocks = {int(match[1]) for name in tensors if (match := re.match(r"blocks\.(\d+)\.", name))}
    depth, size = max(blocks) + 1, TIMM_SIZES.get(width)
    register = next((tensors[key] for key in ("register_tokens", "reg_token") if key in tensors), None)
    registers = register.shape[1] if register is not None and register.ndim == 3 else 0
    if depth > _DEEPEST or registers > _LARGEST or not _has_sane_size(positions):
        return None
    rows, columns, unproven = position_grid.read_grid(positions, registers, stated)
    grid_notes = (unproven,) if unproven else ()
    if not 0 < max(rows, columns) * patch <= _LARGEST:
        return None
    image_size = _describe_image_size(rows, columns, patch)
    require("timm", "timm")
    published = {1536: "giant"}.get(width, size or "")
    usual = given in (None, width // 64)
    if usual and patch == 14 and "blocks.0.ls1.gamma" in tensors and _DINOV2.get(published) == depth:
        name = f"vit_{published}_patch14_{'reg4_' if registers else ''}dinov2"
        options: Options = {} if image_size == {"img_size": 518} else {**image_size}
        options |= {"num_heads": given} if given else {}
        return RecognisedArchitecture(
            Architecture(name=architectures.resolve_name(f"{architectures.TIMM}{name}"), options=options),
            grid_notes,
            (f"{given} attention heads, as given",) if given else (),
        )
    heads = {192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16}.get(width, width // 64)
    fc1 = tensors.get("blocks.0.mlp.fc1.weight")
    hidden = fc1.shape[0] if fc1 is not None and fc1.ndim == 2 else 4 * width
    if heads == 0 or width % heads or hidden > _LARGEST * width:
        return None
    epsilon = EPSILON
    told: tuple[str, ...] = ()
    assumed: tuple[str, ...] = (f"{heads} attention heads, as in ViT-{size or width}", epsilon, *grid_notes)
    if family == "MoCo v3 (official)" and width == 384:
        heads, assumed = 12, ("12 attention heads, as in MoCo v3's ViT-small", epsilon, *grid_notes)
    if given:
        heads, told, assumed = given, (f"{given} attention heads, as given",), (epsilon, *grid_notes)
    if width % heads:
        raise UserError(f"{width} channels cannot be divided among {heads} attention heads; give another --num-heads.")
    options = {"patch_size": patch, **image_size, "embed_dim": width, "depth": depth, "num_heads": heads}
    options |= {"qkv_bias": False} if "blocks.0.attn.qkv.bias" not in tensors else {}
    options |= {"init_values": 1e-5} if "blocks.0.ls1.gamma" in tensors else {}
    options |= {"reg_tokens": registers} if registers else {}
    apart = "register_tokens" in tensors or positions.shape[1] == rows * columns  # DINOv2's registers have no positions
    options |= {"no_embed_class": True} if registers and apart else {}
    options |= {"class_token": False} if "cls_token" not in tensors else {}
    options |= {"global_pool": "avg"} if "fc_norm.weight" in tensors or "cls_token" not in tensors else {}
    ratio = hidden / width
    options |= {"mlp_ratio": ratio} if ratio != 4 else {}
    return RecognisedArchitecture(Architecture(name="timm:vit_base_patch16_224", options=options), assumed, told)


def infer_image_size(
    architecture: Architecture, tensors: Mapping[str, Tensor], stated: tuple[int, int] | None = None
) -> tuple[Options, str]:
    """Return the options with the image size that a timm ViT must be built for if the file has other positions.

    Then also a note if the positions do not prove their grid. Only for a plain grid of patches: other networks arrange
    their positions differently. stated: rows and columns, if they are known. Raises UserError for positions that do not
    tell their grid.
    """
    positions = tensors.get("pos_embed", tensors.get("positional_embedding"))
    stem = read_stem(tensors, "patch_embed.proj.weight") or read_stem(tensors, "conv1.weight")
    if positions is None or stem is None or not _has_sane_size(positions):
        return {}, ""
    require("timm", "timm")
    from timm.models.vision_transformer import VisionTransformer

    net = architectures.build_without_weights(architecture).net
    own = getattr(net, "pos_embed", None)
    if not isinstance(net, VisionTransformer) or not isinstance(own, Tensor) or own.ndim != 3:
        return {}, ""
    height, width = net.patch_embed.grid_size
    if hasattr(net.patch_embed, "backbone") or height != width:
        return {}, ""  # whatever its grid is, the model says it
    rows, columns, unproven = position_grid.read_grid(positions, getattr(net, "num_reg_tokens", 0), stated)
    if rows == columns and (own.shape[1] == positions.shape[-2] or rows == height):
        return {}, ""
    return (
        (_describe_image_size(rows, columns, stem[1]), unproven)
        if 0 < max(rows, columns) * stem[1] <= _LARGEST
        else ({}, "")
    )


def _describe_image_size(rows: int, columns: int, patch: int) -> Options:
    """Return the options of the images that have this grid of patches."""
    if rows == columns:
        return {"img_size": rows * patch}
    return {"img_height": rows * patch, "img_width": columns * patch}


def _has_sane_size(positions: Tensor) -> bool:
    """Whether these can be positions [tokens, D] or [1, tokens, D]."""
    return positions.ndim in (2, 3) and positions.numel() > 0 and positions.shape[-2] <= _LARGEST * _LARGEST


def read_stem(tensors: Mapping[str, Tensor], name: str) -> tuple[int, int] | None:
    """Return (width, patch size) of a ViT's stem, or None if the tensor is not such a convolution."""
    tensor = tensors.get(name)
    if tensor is None or tensor.ndim != 4 or not (0 < tensor.shape[0] <= _LARGEST and 0 < tensor.shape[3] <= _LARGEST):
        return None
    return tensor.shape[0], tensor.shape[3]
