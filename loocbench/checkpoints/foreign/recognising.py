"""Recognising the architecture of a backbone, from the names and shapes of its tensors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from torch import Tensor

from loocbench.checkpoints.foreign import clip_towers, torchvision_models, vits
from loocbench.checkpoints.foreign.types import RecognisedArchitecture, RoutedTensors
from loocbench.errors import UserError
from loocbench.models import architectures, backbone_names
from loocbench.types import Architecture

_BLOCKS: dict[tuple[int, ...], str] = {  # blocks in layer1 … layer4, convolutions per block
    (2, 2, 2, 2, 2): "resnet18",
    (3, 4, 6, 3, 2): "resnet34",
    (3, 4, 6, 3, 3): "resnet50",
    (3, 4, 23, 3, 3): "resnet101",
    (3, 8, 36, 3, 3): "resnet152",
}
_WIDTHS: dict[tuple[int, ...], str] = {  # of the 3x3 convolutions in layer1: output channels, input channels per group
    (64, 64): "{}",
    (128, 128): "wide_{}_2",
    (128, 4): "{}_32x4d",
    (256, 8): "{}_32x8d",
    (256, 4): "{}_64x4d",
}
_BASIC: dict[tuple[int, ...], str] = {(64, 64): "{}"}
_CLIP = (
    "whether a CLIP was trained with GELU or QuickGELU is not in the file; name it: --arch timm:vit_{size}_patch{patch}"
)


def recognise_architecture(
    tensors: Mapping[str, Tensor],
    routed: RoutedTensors,
    arch: str,
    stem_padding: int | None,
    options: Mapping[str, bool | int | float | str],
    grid: tuple[int, int] | None = None,
) -> RecognisedArchitecture | None:
    """Return the architecture that the user names with ``arch``, else the one that the tensors tell, or None.

    tensors: the backbone by its library's names. stem_padding: of a ResNet's 3x3 stem, which the tensors do not tell.
    options: of the architecture, as the user or a library's configuration states them. grid: rows and columns of a
    ViT's patches, if they are known. Raises UserError for options that the architecture does not have, and where the
    user must decide.
    """
    found = _recognise(tensors, routed, arch, stem_padding, options, grid)
    if found and any(found.architecture.options.get(name) != value for name, value in options.items()):
        raise UserError(
            f"{found.architecture.name} has no option {', '.join(options)}; leave that out, or name a timm ViT with "
            "--arch."
        )
    return found


def _recognise(
    tensors: Mapping[str, Tensor],
    routed: RoutedTensors,
    arch: str,
    stem_padding: int | None,
    options: Mapping[str, bool | int | float | str],
    grid: tuple[int, int] | None = None,
) -> RecognisedArchitecture | None:
    if arch:
        return complete_named(architectures.resolve_name(arch), tensors, routed.family, stem_padding, options, grid)
    openmmlab = routed.family in ("mmpretrain", "mmselfsup")
    if openmmlab and "momentum_encoder" in routed.left_out and "num_heads" not in options:
        vits.require_known_heads(tensors)
    stage = next(iter(routed.stages.values()), {})  # LooC++ has no layer4 in its trunk: the first copy represents it
    whole = {**tensors, **{f"layer4.{name}": tensor for name, tensor in stage.items()}}
    heads = options.get("num_heads")
    return recognise_by_tensors(whole, routed.family, stem_padding, int(heads) if heads else None, grid)


def recognise_by_tensors(
    tensors: Mapping[str, Tensor],
    family: str,
    stem_padding: int | None = None,
    heads: int | None = None,
    grid: tuple[int, int] | None = None,
) -> RecognisedArchitecture | None:
    """Return the architecture of tensors named as their library names them, or None if it is unknown.

    stem_padding, heads, grid: of a ResNet's 3x3 stem, of a ViT's attention and patches, where they are known. Raises
    UserError where the file does not say what only the user can know.
    """
    if "attnpool.positional_embedding" in tensors:
        return clip_towers.recognise_resnet(tensors)
    if any(re.fullmatch(r"layer1\.\d+\.conv1\.weight", name) for name in tensors):
        return _recognise_resnet(tensors, family, stem_padding)
    if "conv_proj.weight" in tensors and "class_token" in tensors:
        return vits.recognise_torchvision_vit(tensors)
    if "attn_pool.latent" in tensors:
        return clip_towers.recognise_siglip(tensors)
    if "patch_embed.proj.weight" in tensors and "blocks.0.attn.qkv.weight" in tensors:
        return vits.recognise_timm_vit(tensors, family, heads, grid)
    if "conv1.weight" in tensors and "transformer.resblocks.0.attn.in_proj_weight" in tensors:
        if not (stem := vits.read_stem(tensors, "conv1.weight")):
            return None
        width, patch = stem
        size = vits.TIMM_SIZES.get(width, "base")
        raise UserError(f"{_CLIP.format(size=size, patch=patch)}_clip_224 or …_clip_quickgelu_224 (OpenAI's own).")
    nearest = torchvision_models.find_nearest_model(tensors)
    return RecognisedArchitecture(nearest) if nearest else None


def _recognise_resnet(
    tensors: Mapping[str, Tensor], family: str, stem_padding: int | None
) -> RecognisedArchitecture | None:
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
    import torchvision  # here, for it takes as long to import as torch

    if name not in torchvision.models.list_models():
        return None
    found = complete_named(architectures.resolve_name(name), tensors, family, stem_padding)
    if family.endswith("(official)"):
        return found
    plain = "a plain ResNet, without anti-aliasing" + (", stride in the 3×3 convolutions" if convolutions == 3 else "")
    return RecognisedArchitecture(
        found.architecture, (*found.assumed, f"assumed {plain}: --arch says otherwise"), found.given
    )


def complete_named(
    name: str,
    tensors: Mapping[str, Tensor],
    family: str,
    stem_padding: int | None,
    options: Mapping[str, bool | int | float | str] = MappingProxyType({}),
    grid: tuple[int, int] | None = None,
) -> RecognisedArchitecture:
    """Return the architecture called ``name``, with what the tensors tell: a ResNet's stem, a ViT's image size.

    options, grid: of a timm model.
    """
    if name.startswith("torchvision:vit_") and "conv_proj.weight" in tensors:
        found = vits.recognise_torchvision_vit(tensors)
        return found if found and found.architecture.name == name else RecognisedArchitecture(Architecture(name=name))
    if name.startswith(architectures.TIMM):
        size, unproven = vits.infer_image_size(Architecture(name=name, options=dict(options)), tensors, grid)
        return RecognisedArchitecture(
            Architecture(name=name, options={**options, **size}),
            (unproven,) if unproven else (),
        )
    stem = tensors.get("conv1.weight")
    if name not in backbone_names.TORCHVISION or stem is None or tuple(stem.shape[2:]) != (3, 3):
        return RecognisedArchitecture(Architecture(name=name))
    padding = stem_padding or (2 if family == "solo-learn" else 1)
    architecture = Architecture(name=name, options={"stem_padding": padding})
    note = f"3×3 stem without max-pooling, padding {padding}"
    if stem_padding:
        return RecognisedArchitecture(architecture, given=(f"{note} as given",))
    whose = "solo-learn has" if family == "solo-learn" else "most have"
    return RecognisedArchitecture(architecture, (f"{note} as {whose} it (--stem-padding says otherwise)",))
