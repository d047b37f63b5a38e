"""Recognising image towers of CLIP and SigLIP: ResNets with attention pooling, and ViTs that are pooled by a query."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from loocbench.checkpoints.foreign import position_grid
from loocbench.checkpoints.foreign.types import RecognisedArchitecture
from loocbench.extras import require
from loocbench.models import architectures
from loocbench.types import Architecture

# openai/CLIP's ModifiedResNets: width of the stem's end, blocks of the four stages
_RESNETS: dict[tuple[int, ...], str] = {
    (64, 3, 4, 6, 3): "resnet50_clip",
    (64, 3, 4, 23, 3): "resnet101_clip",
    (80, 4, 6, 10, 6): "resnet50x4_clip",
    (96, 6, 8, 18, 8): "resnet50x16_clip",
    (128, 3, 15, 36, 10): "resnet50x64_clip",
}
# google-research/big_vision's SigLIPs: width and blocks
_SIGLIPS = {(768, 12): "base", (1024, 24): "large", (1152, 27): "so400m", (1536, 40): "giantopt"}


def recognise_resnet(tensors: Mapping[str, Tensor]) -> RecognisedArchitecture | None:
    """Return timm's ResNet of CLIP with these blocks, or None. Its activation is ReLU, whatever the text tower's."""
    stem = tensors.get("conv3.weight")
    if stem is None or "attnpool.positional_embedding" not in tensors or stem.ndim != 4:
        return None
    blocks = [
        len({match[1] for name in tensors if (match := re.match(rf"layer{stage}\.(\d+)\.", name))})
        for stage in (1, 2, 3, 4)
    ]
    name = _RESNETS.get((stem.shape[0], *blocks))
    if name is None:
        return None
    return RecognisedArchitecture(Architecture(name=architectures.resolve_name(f"{architectures.TIMM}{name}")))


def recognise_siglip(tensors: Mapping[str, Tensor]) -> RecognisedArchitecture | None:
    """Return timm's SigLIP with these shapes, or None.

    Raises UserError for positions that are not those of a square grid.
    """
    stem, positions = tensors.get("patch_embed.proj.weight"), tensors.get("pos_embed")
    if stem is None or positions is None or stem.ndim != 4 or positions.ndim != 3:
        return None
    blocks = {match[1] for name in tensors if (match := re.match(r"blocks\.(\d+)\.", name))}
    size, patch = _SIGLIPS.get((stem.shape[0], len(blocks))), stem.shape[3]
    if size is None or not 0 < patch <= 64 or not 0 < positions.shape[1] <= 4096:
        return None
    side, unproven = position_grid.read_square_grid(positions)
    timm = require("timm", "timm")
    known = timm.list_models(f"vit_{size}_patch{patch}_siglip_[0-9]*")
    if not known:
        return None
    own = f"vit_{size}_patch{patch}_siglip_{side * patch}"
    return RecognisedArchitecture(
        Architecture(
            name=architectures.resolve_name(f"{architectures.TIMM}{own if own in known else known[0]}"),
            options={} if own in known else {"img_size": side * patch},
        ),
        (unproven,) if unproven else (),
    )
