"""timm's ViTs in two parts for pretraining: all but the last blocks are the trunk, the last blocks the last stage.

The paper trains ResNets alone; that the last quarter of the blocks plays the part of the last residual stage (layer4 of
ResNet-50 is 3 of its 16 residual blocks) is this project's choice.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from loocbench.errors import UserError
from loocbench.extras import require
from loocbench.models import timm_networks
from loocbench.models.backbone import BackboneParts

_SHARE = 4  # the last stage is one block of so many


class ViTTrunk(nn.Module):
    """A ViT of timm up to its last stage: normalised images [N, 3, H, W] -> tokens [N, prefix + patches, D].

    vit: its remainder, under timm's names.
    """

    def __init__(self, vit: Any, count: int) -> None:
        super().__init__()
        vit.blocks = vit.blocks[:count]
        vit.norm, vit.fc_norm, vit.attn_pool = nn.Identity(), nn.Identity(), None
        self.vit = vit

    @property
    def prefix(self) -> int:
        """Number of tokens before the patches: class token, registers."""
        return int(self.vit.num_prefix_tokens)

    def forward(self, images: Tensor) -> Tensor:
        """Compute the tokens after the trunk's last block."""
        return self.vit.forward_features(images)

    def read_blocks(self, images: Tensor) -> list[Tensor]:
        """Compute the tokens after each block."""
        numbers = list(range(len(self.vit.blocks)))
        _, found = self.vit.forward_intermediates(
            images, indices=numbers, return_prefix_tokens=True, norm=False, output_fmt="NLC"
        )
        return [torch.cat([one[1], one[0]], dim=1) if isinstance(one, tuple) else one for one in found]


class ViTLastStage(nn.Module):
    """The last blocks of a ViT of timm, its last normalisation and its pooling: tokens [N, T, D] -> [N, D].

    vit: what is left of it, under timm's names; blocks keep their numbers.
    """

    def __init__(self, vit: Any, first: int) -> None:
        super().__init__()
        vit.blocks = vit.blocks[first:]
        vit.patch_embed, vit.norm_pre = nn.Identity(), nn.Identity()
        vit.cls_token = vit.reg_token = vit.pos_embed = None
        self.vit = vit

    def forward(self, tokens: Tensor) -> Tensor:
        """Compute the pooled output, as timm's network pools it before its classifier."""
        return self.vit.forward_head(self.normalise(self.vit.blocks(tokens)), pre_logits=True)

    def normalise(self, tokens: Tensor) -> Tensor:
        """Apply the network's last normalisation, if it stands before the pooling."""
        return self.vit.norm(tokens)

    def read_blocks(self, tokens: Tensor) -> list[Tensor]:
        """Compute the tokens after each block."""
        found = []
        for block in self.vit.blocks:
            tokens = block(tokens)
            found.append(tokens)
        return found


def resolve_name(name: str) -> str:
    """Return timm's name of a ViT without the tag of its weights. Raises UserError for another network of timm."""
    bare = timm_networks.resolve_name(name).partition(".")[0]
    with torch.device("meta"):
        if not _is_plain_vit(_build_vit(bare)):
            raise UserError(
                f"pretrain cannot train timm:{bare}, for it is not a plain ViT (vit_*, deit_*, deit3_*); name another "
                "--backbone, or write a plug-in of it."
            )
    return bare


def split_vit(name: str, image_size: int) -> BackboneParts:
    """Build the parts of a ViT of timm for images of ``image_size`` pixels. Raises UserError if it takes none."""

    def build() -> Any:
        vit = _build_vit(name, image_size)
        if not _is_plain_vit(vit):
            raise UserError(f"timm:{name} is not a plain ViT, which has a last stage of blocks; name another network.")
        return vit

    vit = build()
    first = len(vit.blocks) - max(1, len(vit.blocks) // _SHARE)
    dim = int(vit.num_features)
    return BackboneParts(ViTTrunk(vit, first), lambda: ViTLastStage(build(), first), dim)


def require_whole_patches(name: str, image_size: int) -> None:
    """Raise UserError unless a ViT of timm divides images of this size into patches."""
    with torch.device("meta"):
        patch = int(_build_vit(name).patch_embed.patch_size[0])
    if image_size % patch or image_size < patch:
        near = max(1, round(image_size / patch)) * patch
        raise UserError(
            f"timm:{name} has patches of {patch} px, and {image_size} is not a multiple; give --image-size {near}."
        )


def to_timm_name(name: str, space: str) -> str | None:
    """Return timm's name of a tensor of a pretrained ViT; None for a head or the last stage of another space."""
    for part in ("trunk.vit.", f"stages.{space}.vit."):
        if name.startswith(part):
            return name.removeprefix(part)
    return None


def resample_positions(values: Tensor, source: Any, target: Any) -> Tensor:
    """Return position embeddings [1, tokens, D] of one ViT for the grid of another, resampled as timm does it."""
    require("timm", "timm")
    from timm.layers import resample_abs_pos_embed

    prefix = 0 if source.no_embed_class else int(source.num_prefix_tokens)
    return resample_abs_pos_embed(
        values, list(target.patch_embed.grid_size), list(source.patch_embed.grid_size), num_prefix_tokens=prefix
    )


def find_same_vit(vit: Any, bare: str) -> str:
    """Return the name of timm's ViT that is this network but for its image size; "" if there is none.

    bare: the name that it was built from, perhaps with options.
    """
    timm = require("timm", "timm")
    if not _is_plain_vit(vit):
        return ""
    size = {192: "tiny", 384: "small", 768: "base", 1024: "large", 1280: "huge"}.get(vit.embed_dim, "")
    patch = vit.patch_embed.patch_size[0]
    for name in (bare, f"vit_{size}_patch{patch}_224"):
        if timm.is_model(name):
            with torch.device("meta"):
                other = _build_vit(name)
            if _is_plain_vit(other) and _describe(other) == _describe(vit):
                return name
    return ""


def _describe(vit: Any) -> tuple[Any, ...]:
    """What sets the function of one plain ViT apart from another's, but for weights and the grid of patches."""
    layers = [repr(getattr(vit, name)) for name in ("blocks", "norm", "fc_norm", "norm_pre", "attn_pool")]
    shapes = {name: tuple(tensor.shape) for name, tensor in vit.state_dict().items() if name != "pos_embed"}
    block = vit.blocks[0].attn
    return (*layers, shapes, block.num_heads, vit.global_pool, vit.num_prefix_tokens, vit.no_embed_class)


def _build_vit(name: str, image_size: int | None = None) -> Any:
    """Build a network of timm without its classifier, for its own image size or another."""
    timm = require("timm", "timm")
    size = {"img_size": image_size} if image_size else {}
    try:
        return timm.create_model(name, pretrained=False, num_classes=0, **size)
    except (TypeError, AssertionError, ValueError) as error:  # a network that takes no img_size, or not this one
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"there is no timm:{name} for images of {image_size} px ({reason}); name another.") from error


def _is_plain_vit(net: Any) -> bool:
    """Whether a network is timm's VisionTransformer itself: those derived from it arrange their tokens differently."""
    from timm.models.vision_transformer import VisionTransformer

    return type(net) is VisionTransformer and len(net.blocks) > 1 and hasattr(net.patch_embed, "grid_size")
