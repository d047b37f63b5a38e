"""The untrained baseline: the network as it is initialised."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from loocbench.errors import UserError
from loocbench.pretraining.methods.method import INVARIANT, Method
from loocbench.types import UNTRAINED, Recipe
from loocbench.views.leave_one_out import Sources

if TYPE_CHECKING:
    import torch

    from loocbench.pretraining.step import Training
    from loocbench.ranks import Ranks


class Untrained(Method):
    """No views and no loss; it has MoCo's one space."""

    name: ClassVar[str] = UNTRAINED
    title: ClassVar[str] = "Random"
    augmentations: ClassVar[tuple[str, ...]] = ()
    trainable: ClassVar[bool] = False

    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """The one space."""
        return (INVARIANT,)

    def view_sources(self, recipe: Recipe) -> Sources:
        """There are no views."""
        return {}

    def chance_losses(self, recipe: Recipe, *, classes: int) -> tuple[float, ...]:
        """There is no loss."""
        return ()

    def start_training(self, recipe: Recipe, device: torch.device, *, classes: int, ranks: Ranks) -> Training:
        """Raises UserError."""
        raise UserError("an untrained network is not trained; choose another --method.")


RANDOM = Untrained()
