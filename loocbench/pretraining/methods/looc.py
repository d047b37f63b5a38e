"""LooC and LooC++ (Xiao et al. 2021, section 3).

    q, k_0          two views of an image, augmented independently
    k_i, i = 1..n   another view that shares augmentation i's draw with q, all others drawn anew
    Z_0             invariant to everything: the positive is k_0, the negatives are queue 0
    Z_i             varies with augmentation i: the positive is k_i; k_0, the other k_j and queue i are the negatives
    queue i         past z_i(k_i)

In LooC all heads share one last stage, in LooC++ each has its own copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from loocbench.pretraining.methods.method import INVARIANT, ContrastiveMethod, all_augmentations
from loocbench.types import Recipe
from loocbench.views.leave_one_out import Sources, leave_one_out_sources

if TYPE_CHECKING:
    from torch import Tensor


class LooC(ContrastiveMethod):
    """One head per space on one last stage."""

    name: ClassVar[str] = "looc"
    title: ClassVar[str] = "LooC"
    augmentations: ClassVar[tuple[str, ...]] = ("color", "rotation")
    leaves_out: ClassVar[bool] = True

    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """Z_0 and one space for each augmentation that is left out."""
        return (INVARIANT, *recipe.left_out)

    def view_sources(self, recipe: Recipe) -> Sources:
        """n + 2 views; k_i shares augmentation i with q."""
        return leave_one_out_sources(all_augmentations(recipe), recipe.left_out)

    def varies_with(self, recipe: Recipe) -> Mapping[str, str]:
        """Z_i with augmentation i."""
        return {name: name for name in recipe.left_out}

    def losses(self, queries: Tensor, keys: Tensor, queues: Tensor, temperature: float) -> Tensor:
        """Equation 2."""
        from loocbench.pretraining.objective import looc_loss

        return looc_loss(queries, keys, queues, temperature)

    def keys_for_queue(self, keys: Tensor) -> Tensor:
        """z_i(k_i), not z_i(k_0)."""
        return keys.diagonal(dim1=0, dim2=1).permute(2, 0, 1)


class LooCPlusPlus(LooC):
    """One copy of the last stage per space."""

    name: ClassVar[str] = "looc++"
    title: ClassVar[str] = "LooC++"
    separate_stages: ClassVar[bool] = True
    evaluated_features: ClassVar[str] = "looc++"


LOOC = LooC()
LOOC_PLUS_PLUS = LooCPlusPlus()
