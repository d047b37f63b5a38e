"""The network of MoCo, MoCo++, LooC and LooC++: a trunk, last stages, and a head per space.

    LooC     image -> trunk -> stage "general" -> V;  heads h_0 ... h_n: V -> Z_0 ... Z_n
    LooC++   image -> trunk -> stage i -> V_i;        head h_i: V_i -> Z_i,  i = 0 ... n

MoCo is LooC with n = 0; MoCo++ has LooC++'s stages. (Xiao et al. 2021, section 3.2 and Figure 3.)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from loocbench.models import backbones
from loocbench.models.spaces import GENERAL


class Network(nn.Module):
    """Encoder f with heads h_0 ... h_n.

    spaces: names of the n + 1 embedding spaces. separate: each space has its own copy of the last stage. hidden_dim:
    width of the heads' hidden layer; 0 for that of V. embedding_dim: 0 for a network without heads. stem_padding,
    image_size: see :func:`backbones.build_backbone`.
    """

    def __init__(
        self,
        backbone: str,
        spaces: Sequence[str],
        *,
        separate: bool,
        embedding_dim: int,
        hidden_dim: int = 0,
        stem_padding: int = 0,
        image_size: int = 0,
    ) -> None:
        super().__init__()
        parts = backbones.build_backbone(backbone, stem_padding=stem_padding, image_size=image_size)
        self.spaces = tuple(spaces)
        self.dim = parts.dim
        hidden = hidden_dim or self.dim
        self.trunk = parts.trunk
        self.trunk_stages = parts.trunk_stages
        # The copies are initialised independently: with identical ones only the losses would make them differ. The
        # paper does not say (this project's choice).
        self.stages = nn.ModuleDict({name: parts.build_last_stage() for name in (spaces if separate else (GENERAL,))})
        # Two-layer MLP, hidden width that of V (2048 for ResNet-50), ReLU, as MoCo v2.
        self.heads = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Linear(self.dim, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, embedding_dim)
                )
                for name in (spaces if embedding_dim else ())
            }
        )

    def features(self, images: Tensor) -> dict[str, Tensor]:
        """Compute the pooled output [N, dim] of every last stage, by name. images: normalised float [N, 3, H, W]."""
        return self.pool_stages(self.trunk(images))

    def pool_stages(self, maps: Tensor) -> dict[str, Tensor]:
        """Compute the same from the trunk's feature maps, or tokens."""
        return {name: _pool(stage(maps)) for name, stage in self.stages.items()}

    def project(self, features: dict[str, Tensor]) -> Tensor:
        """Compute L2-normalised embeddings [S, N, embedding_dim] from pooled features; empty without heads."""
        if not self.heads:
            return next(iter(features.values())).new_empty(0)
        shared = features.get(GENERAL)
        return torch.stack(
            [_normalise(head(features[name] if shared is None else shared)) for name, head in self.heads.items()]
        )

    def forward_spaces(self, images: Tensor) -> dict[str, Tensor]:
        """Compute the evaluated features [N, D] by name of space.

        These are V (``general``) and all embeddings, or the pooled output of each space's own last stage.
        """
        return self.name_spaces(self.features(images))

    def name_spaces(self, pooled: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compute the same from the last stages' pooled outputs."""
        if GENERAL not in pooled:
            return pooled
        return {**pooled, **dict(zip(self.spaces, self.project(pooled), strict=True))}

    def forward(self, images: Tensor) -> Tensor:
        """Compute embeddings [S, N, embedding_dim] of normalised images [N, 3, H, W] in all S spaces."""
        return self.project(self.features(images))


def _pool(output: Tensor) -> Tensor:
    """Pool feature maps; the last stage of a ViT has pooled its tokens."""
    return output.mean(dim=(2, 3)) if output.ndim == 4 else output


def _normalise(embeddings: Tensor) -> Tensor:
    """Scale to length 1, in float32 or better even where autocast computes in half precision."""
    return F.normalize(embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)), dim=1)
