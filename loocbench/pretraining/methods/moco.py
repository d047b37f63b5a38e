"""MoCo v2 (He et al. 2020, Chen et al. 2020), and MoCo++: the same loss with a copy of the last stage for each space.

    q, k     two views of an image, augmented independently
    loss     -log exp(z(q) . z(k) / tau) / (exp(z(q) . z(k) / tau) + sum over the queue)
    queue    past z(k)

"MoCo + Rotation" is MoCo with one more augmentation to ignore. In "MoCo + Rotation (same for q and k)" both views get
the same angle, so that it need not be ignored (Xiao et al. 2021, Table 1; the meaning is inferred from the name).
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from loocbench.pretraining.methods.contrastive import INVARIANT
from loocbench.pretraining.objective import moco_loss
from loocbench.types import Recipe
from loocbench.views.leave_one_out import Sources, independent
from loocbench.views.making import ALWAYS


class MoCo:
    """One space, one key."""

    separate: ClassVar[bool] = False
    leaves_out: ClassVar[bool] = False

    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """The one space."""
        return (INVARIANT,)

    def sources(self, recipe: Recipe) -> Sources:
        """Two views, independent but for what they share."""
        return independent((*ALWAYS, *recipe.augmentations), shared=recipe.shared)

    def losses(self, queries: Tensor, keys: Tensor, queues: Tensor, temperature: float) -> Tensor:
        """MoCo's loss in each space by itself."""
        return moco_loss(queries, keys[:, 0], queues, temperature)

    def remembered(self, keys: Tensor) -> Tensor:
        """z(k)."""
        return keys[:, 0]


class MoCoPlusPlus(MoCo):
    """The paper's ablation of LooC++'s width: as many last stages as LooC++ would have, nothing left out.

    What its copies are trained with is not stated; MoCo's loss in each is this project's choice.
    """

    separate: ClassVar[bool] = True

    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """As many copies as LooC++ would have spaces; they have no meaning of their own."""
        return tuple(f"copy{index}" for index in range(len(recipe.augmentations) + 1))
