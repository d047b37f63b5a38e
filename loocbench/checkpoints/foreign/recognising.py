"""Which architecture a backbone's tensors fit, from their names and shapes."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torchvision
from torch import Tensor

from loocbench.checkpoints.foreign import torchvision_models
from loocbench.errors import UserError
from loocbench.extras import require
from loocbench.models import architectures, backbones
from loocbench.types import Architecture

_BLOCKS: dict[tuple[int, ...], str] = {  # blocks in layer1 … layer4, convolutions in a block
    (2, 2, 2, 2, 2): "resnet18",
    (3, 4, 6, 3, 2): "resnet34",
    (3, 4, 6, 3, 3): "resnet50",
    (3, 4, 23, 3, 3): "resnet101",
    (3, 8, 36, 3, 3): "resnet152",
}
_WIDTHS: dict[tuple[int, ...], str] = {  # of the 3x3 convolutions in layer1: outputs, inputs of a group
    (64, 64): "{}",
    (128, 128): "wide_{}_2",
    (128, 4): "{}_32x4d",
    (256, 8): "{}_32x8d",
    (256, 4): "{}_64x4d",
}
_BASIC: dict[tuple[int, ...], str] = {(64, 64): "{}"}
_TORCHVISION_VIT = {(16, 768, 12): "vit_b_16", (32, 768, 12): "vit_b_32", (16, 1024, 24): "vit_l_16"} | {
    (32, 1024, 24): "vit_l_32",
    (14, 1280, 32): "vit_h_14",
}
_TIMM_VIT = {192: "tiny", 384: "small", 768: "base", 1024: "large", 1280: "huge"}
_LARGEST, _DEEPEST = 8192, 256  # pixels, channels; blocks: no file makes a network of any size
_CLIP = (
    "whether a CLIP was trained with GELU or QuickGELU is not in the file; say so: --arch timm:vit_{size}_patch{patch}"
)


@dataclass(frozen=True)
class Found:
    """An architecture, and what of it the file does not say and was taken for granted."""

    architecture: Architecture
    assumed: tuple[str, ...] = ()


def require_known_heads(tensors: Mapping[str, Tensor]) -> None:
    """Raise UserError for OpenMMLab's MoCo v3 with a ViT of width 384, whose heads its configuration alone tells."""
    stem = _stem(tensors, "patch_embed.proj.weight")
    if stem and stem[0] == 384:
        raise UserError(
            "how many attention heads a ViT-small of OpenMMLab's MoCo v3 has is not in the file; say --num-heads 12 "
            "(its mocov3-small) or 6 (the usual ViT-small)."
        )


def recognise(
    tensors: Mapping[str, Tensor], family: str, stem_padding: int | None = None, heads: int | None = None
) -> Found | None:
    """The architecture that tensors under their library's names belong to; nothing if it is none that is known.

    stem_padding, heads: of a ResNet's 3x3 stem and of a ViT's attention, where they are given.

    Raises UserError where the names are known and the file leaves a choice that only the user can make.
    """
    if any(re.fullmatch(r"layer1\.\d+\.conv1\.weight", name) for name in tensors):
        return _resnet(tensors, family, stem_padding)
    if "conv_proj.weight" in tensors and "class_token" in tensors:
        return _torchvision_vit(tensors)
    if "patch_embed.proj.weight" in tensors and "blocks.0.attn.qkv.weight" in tensors:
        return _timm_vit(tensors, family, heads)
    if "conv1.weight" in tensors and "transformer.resblocks.0.attn.in_proj_weight" in tensors:
        if not (stem := _stem(tensors, "conv1.weight")):
            return None
        width, patch = stem
        size = _TIMM_VIT.get(width, "base")
        raise UserError(f"{_CLIP.format(size=size, patch=patch)}_clip_224 or …_clip_quickgelu_224 (OpenAI's own).")
    nearest = torchvision_models.nearest(tensors)
    return Found(nearest) if nearest else None


def _resnet(tensors: Mapping[str, Tensor], family: str, stem_padding: int | None) -> Found | None:
    stages = [[name for name in tensors if name.startswith(f"layer{number}.")] for number in (1, 2, 3, 4)]
    blocks = [len({name.split(".")[1] for name in stage}) for stage in stages]
    convolutions = 3 if any(re.fullmatch(r"layer1\.\d+\.conv3\.weight", name) for name in stages[0]) else 2
    name = _BLOCKS.get((*blocks, convolutions))
    inner = Counter(
        tuple(tensors[name].shape[:2]) for name in stages[0] if re.fullmatch(r"layer1\.\d+\.conv2\.weight", name)
    )
    if name is None or not inner:
        return None
    pattern = (_WIDTHS if convolutions == 3 else _BASIC).get(inner.most_common(1)[0][0])
    if pattern is None:
        return None
    name = pattern.format(name.replace("resnet", "resnext") if "x" in pattern else name)
    if name not in torchvision.models.list_models():
        return None
    found = named(architectures.named(name), tensors, family, stem_padding)
    if family.endswith("(official)"):
        return found
    plain = "a plain ResNet, without anti-aliasing" + (", stride in the 3×3 convolutions" if convolutions == 3 else "")
    return Found(found.architecture, (*found.assumed, f"assumed {plain}: --arch says otherwise"))


def named(
    name: str,
    tensors: Mapping[str, Tensor],
    family: str,
    stem_padding: int | None,
    options: Mapping[str, bool | int | float | str] = MappingProxyType({}),
) -> Found:
    """An architecture whose name is known; a ResNet with the stem that its tensors have. options: of timm's."""
    if name.startswith("torchvision:vit_") and "conv_proj.weight" in tensors:
        found = _torchvision_vit(tensors)
        return found if found and found.architecture.name == name else Found(Architecture(name=name))
    if name.startswith(architectures.TIMM):
        size = _other_image_size(Architecture(name=name, options=dict(options)), tensors)
        return Found(Architecture(name=name, options={**options, **({"img_size": size} if size else {})}))
    stem = tensors.get("conv1.weight")
    if name not in backbones.TORCHVISION or stem is None or tuple(stem.shape[2:]) != (3, 3):
        return Found(Architecture(name=name))
    padding = stem_padding or (2 if family == "solo-learn" else 1)
    whose = "solo-learn has" if family == "solo-learn" else "most have"
    why = "as given" if stem_padding else f"as {whose} it (--stem-padding says otherwise)"
    note = f"3×3 stem without max-pooling, padding {padding} {why}"
    return Found(Architecture(name=name, options={"stem_padding": padding}), (note,))


def _stem(tensors: Mapping[str, Tensor], name: str) -> tuple[int, int] | None:
    """(width, patch) of a ViT's stem; nothing if the tensor is no such convolution."""
    tensor = tensors.get(name)
    if tensor is None or tensor.ndim != 4 or not (0 < tensor.shape[0] <= _LARGEST and 0 < tensor.shape[3] <= _LARGEST):
        return None
    return tensor.shape[0], tensor.shape[3]


def _torchvision_vit(tensors: Mapping[str, Tensor]) -> Found | None:
    stem, positions = _stem(tensors, "conv_proj.weight"), tensors.get("encoder.pos_embedding")
    if stem is None or positions is None or positions.ndim != 3:
        return None
    width, patch = stem
    depth = len({name.split(".")[2] for name in tensors if name.startswith("encoder.layers.")})
    name, size = _TORCHVISION_VIT.get((patch, width, depth)), math.isqrt(max(positions.shape[1] - 1, 0)) * patch
    if name is None or not 0 < size <= _LARGEST:
        return None
    return Found(
        Architecture(name=f"{architectures.TORCHVISION}{name}", options={"image_size": size} if size != 224 else {})
    )


def _grid(positions: Tensor) -> int:
    """Patches along a side, by the positions [.., tokens, D]: a square number, or with the class's one more."""
    count = positions.shape[-2] if positions.ndim in (2, 3) else 0
    whole = math.isqrt(count)
    return whole if whole * whole == count else math.isqrt(count - 1)


def _other_image_size(architecture: Architecture, tensors: Mapping[str, Tensor]) -> int | None:
    """What a timm ViT must be built for where the file has other positions than the model usually has.

    Only for a plain grid of patches: other networks lay out their positions in ways of their own.
    """
    positions = tensors.get("pos_embed", tensors.get("positional_embedding"))
    stem = _stem(tensors, "patch_embed.proj.weight") or _stem(tensors, "conv1.weight")
    if positions is None or stem is None:
        return None
    require("timm", "timm")
    from timm.models.vision_transformer import VisionTransformer

    net = architectures.skeleton(architecture).net
    own = getattr(net, "pos_embed", None)
    if not isinstance(net, VisionTransformer) or not isinstance(own, Tensor) or own.ndim != 3:
        return None
    grid = _grid(positions)
    usual = own.shape[1] == positions.shape[-2] if positions.ndim > 1 else True
    if usual or hasattr(net.patch_embed, "backbone") or (grid, grid) == tuple(net.patch_embed.grid_size):
        return None
    size = grid * stem[1]
    return size if 0 < size <= _LARGEST else None


def _timm_vit(tensors: Mapping[str, Tensor], family: str, given: int | None) -> Found | None:
    stem, positions = _stem(tensors, "patch_embed.proj.weight"), tensors.get("pos_embed")
    if stem is None or positions is None or positions.ndim != 3:
        return None
    width, patch = stem
    blocks = {int(match[1]) for name in tensors if (match := re.match(r"blocks\.(\d+)\.", name))}
    depth, size = max(blocks) + 1, _TIMM_VIT.get(width)
    register = next((tensors[key] for key in ("register_tokens", "reg_token") if key in tensors), None)
    registers = register.shape[1] if register is not None and register.ndim == 3 else 0
    grid = _grid(positions)
    if depth > _DEEPEST or not 0 < grid * patch <= _LARGEST or registers > _LARGEST:
        return None
    require("timm", "timm")
    if patch == 14 and "blocks.0.ls1.gamma" in tensors:  # facebookresearch/dinov2
        size = {1536: "giant"}.get(width, size)
        if size not in ("small", "base", "large", "giant"):
            return None
        name = f"vit_{size}_patch14_{'reg4_' if registers else ''}dinov2"
        options: dict[str, bool | int | float | str] = {} if grid * 14 == 518 else {"img_size": grid * 14}
        return Found(
            Architecture(name=f"timm:{architectures.named(f'timm:{name}').removeprefix('timm:')}", options=options)
        )
    heads = {192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16}.get(width, width // 64)
    fc1 = tensors.get("blocks.0.mlp.fc1.weight")
    hidden = fc1.shape[0] if fc1 is not None and fc1.ndim == 2 else 4 * width
    if heads == 0 or width % heads or hidden > _LARGEST * width:
        return None
    epsilon = "layer norm's epsilon 1e-6"
    assumed: tuple[str, ...] = (f"{heads} attention heads, as in ViT-{size or width}", epsilon)
    if family == "MoCo v3 (official)" and width == 384:
        heads, assumed = 12, ("12 attention heads, as in MoCo v3's ViT-small", epsilon)
    if given:
        heads, assumed = given, (f"{given} attention heads, as given", epsilon)
    if width % heads:
        raise UserError(f"{width} channels cannot be shared by {heads} attention heads; say another --num-heads.")
    options = {"patch_size": patch, "img_size": grid * patch, "embed_dim": width, "depth": depth, "num_heads": heads}
    options |= {"qkv_bias": False} if "blocks.0.attn.qkv.bias" not in tensors else {}
    options |= {"init_values": 1e-5} if "blocks.0.ls1.gamma" in tensors else {}
    options |= {"reg_tokens": registers} if registers else {}
    options |= {"class_token": False} if "cls_token" not in tensors else {}
    options |= {"global_pool": "avg"} if "fc_norm.weight" in tensors or "cls_token" not in tensors else {}
    ratio = hidden / width
    options |= {"mlp_ratio": ratio} if ratio != 4 else {}
    return Found(Architecture(name="timm:vit_base_patch16_224", options=options), assumed)
