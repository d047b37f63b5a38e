"""MoCo v2 (He et al. 2020, Chen et al. 2020), and MoCo++: the same loss with a copy of the last stage for each space.

    q, k     two views of an image, augmented independently
    loss     -log exp(z(q) . z(k) / tau) / (exp(z(q) . z(k) / tau) + sum over the queue)
    queue    past z(k)

"MoCo + Rotation" is MoCo with one more augmentation to ignore. In "MoCo + Rotation (same for q and k)" both views get
the same angle, so that it need not be ignored (Xiao et al. 2021, Table 1; the meaning is inferred from the name).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from loocbench.pretraining.methods.method import INVARIANT, ContrastiveMethod, all_augmentations
from loocbench.types import Recipe
from loocbench.views.leave_one_out import Sources, independent_sources

if TYPE_CHECKING:
    from torch import Tensor


class MoCo(ContrastiveMethod):
    """One space, one key."""

    name: ClassVar[str] = "moco"
    title: ClassVar[str] = "MoCo"
    accepts_shared: ClassVar[bool] = True

    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """The one space."""
        return (INVARIANT,)

    def view_sources(self, recipe: Recipe) -> Sources:
        """Two views, independent but for what they share."""
        return independent_sources(all_augmentations(recipe), shared=recipe.shared)

    def losses(self, queries: Tensor, keys: Tensor, queues: Tensor, temperature: float) -> Tensor:
        """MoCo's loss in each space by itself."""
        from loocbench.pretraining.objective import moco_loss

        return moco_loss(queries, keys[:, 0], queues, temperature)

    def keys_for_queue(self, keys: Tensor) -> Tensor:
        """z(k)."""
        return keys[:, 0]


class MoCoPlusPlus(MoCo):
    """The paper's ablation of LooC++'s width: as many last stages as LooC++ would have, nothing left out.

    What its copies are trained with is not stated; MoCo's loss in each is this project's choice.
    """

    name: ClassVar[str] = "moco++"
    title: ClassVar[str] = "MoCo++"
    accepts_shared: ClassVar[bool] = False
    separate_stages: ClassVar[bool] = True
    evaluated_features: ClassVar[str] = "looc++"

    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """As many copies as LooC++ would have spaces; they have no meaning of their own."""
        return tuple(f"copy{index}" for index in range(len(recipe.augmentations) + 1))


MOCO = MoCo()
MOCO_PLUS_PLUS = MoCoPlusPlus()
