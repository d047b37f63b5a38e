"""Which architecture a backbone's tensors fit, from their names and shapes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

import torchvision
from torch import Tensor

from loocbench.checkpoints.foreign import torchvision_models, vits
from loocbench.checkpoints.foreign.recognised import Found
from loocbench.errors import UserError
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
_CLIP = (
    "whether a CLIP was trained with GELU or QuickGELU is not in the file; say so: --arch timm:vit_{size}_patch{patch}"
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
        return vits.of_torchvision(tensors)
    if "patch_embed.proj.weight" in tensors and "blocks.0.attn.qkv.weight" in tensors:
        return vits.of_timm(tensors, family, heads)
    if "conv1.weight" in tensors and "transformer.resblocks.0.attn.in_proj_weight" in tensors:
        if not (stem := vits.stem_of(tensors, "conv1.weight")):
            return None
        width, patch = stem
        size = vits.TIMM_SIZES.get(width, "base")
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
        found = vits.of_torchvision(tensors)
        return found if found and found.architecture.name == name else Found(Architecture(name=name))
    if name.startswith(architectures.TIMM):
        size = vits.other_image_size(Architecture(name=name, options=dict(options)), tensors)
        return Found(Architecture(name=name, options={**options, **({"img_size": size} if size else {})}))
    stem = tensors.get("conv1.weight")
    if name not in backbones.TORCHVISION or stem is None or tuple(stem.shape[2:]) != (3, 3):
        return Found(Architecture(name=name))
    padding = stem_padding or (2 if family == "solo-learn" else 1)
    whose = "solo-learn has" if family == "solo-learn" else "most have"
    why = "as given" if stem_padding else f"as {whose} it (--stem-padding says otherwise)"
    note = f"3×3 stem without max-pooling, padding {padding} {why}"
    return Found(Architecture(name=name, options={"stem_padding": padding}), (note,))
