"""LooC and LooC++ (Xiao et al. 2021, section 3).

    q, k_0          two views of an image, augmented independently
    k_i, i = 1..n   another view that shares augmentation i's draw with q, all others drawn anew
    Z_0             invariant to everything: the positive is k_0, the negatives are queue 0
    Z_i             varies with augmentation i: the positive is k_i; k_0, the other k_j and queue i are the negatives
    queue i         past z_i(k_i)

In LooC all heads share one last stage, in LooC++ each has its own copy.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from loocbench.pretraining.methods.contrastive import INVARIANT
from loocbench.pretraining.objective import looc_loss
from loocbench.types import Recipe
from loocbench.views.leave_one_out import Sources, sources
from loocbench.views.making import ALWAYS


class LooC:
    """One head a space on one last stage."""

    separate: ClassVar[bool] = False
    leaves_out: ClassVar[bool] = True

    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """Z_0 and one space for each augmentation that is left out."""
        return (INVARIANT, *recipe.left_out)

    def sources(self, recipe: Recipe) -> Sources:
        """n + 2 views; k_i shares augmentation i with q."""
        return sources((*ALWAYS, *recipe.augmentations), recipe.left_out)

    def losses(self, queries: Tensor, keys: Tensor, queues: Tensor, temperature: float) -> Tensor:
        """Equation 2."""
        return looc_loss(queries, keys, queues, temperature)

    def remembered(self, keys: Tensor) -> Tensor:
        """z_i(k_i), not z_i(k_0)."""
        return keys.diagonal(dim1=0, dim2=1).permute(2, 0, 1)


class LooCPlusPlus(LooC):
    """One copy of the last stage a space."""

    separate: ClassVar[bool] = True
