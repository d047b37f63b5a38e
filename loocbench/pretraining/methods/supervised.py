"""The supervised row of the paper's Table 1: the same backbone and augmentations, cross-entropy on the labels.

Its recipe is not stated; one view per image, a linear layer on the pooled last stage, and the optimiser of the other
rows are this project's choice.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from loocbench.pretraining.methods.method import Method, all_augmentations
from loocbench.types import Recipe
from loocbench.views.leave_one_out import Sources

if TYPE_CHECKING:
    import torch

    from loocbench.pretraining.step import Training
    from loocbench.ranks import Ranks


class Supervised(Method):
    """One view, no spaces; the classifier is trained with the network and is kept in the run's states alone."""

    name: ClassVar[str] = "supervised"
    title: ClassVar[str] = "Supervised"
    needs_labels: ClassVar[bool] = True

    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """There are no embedding spaces: features are those of the general space."""
        return ()

    def view_sources(self, recipe: Recipe) -> Sources:
        """One view."""
        return dict.fromkeys(all_augmentations(recipe), (0,))

    def chance_losses(self, recipe: Recipe, *, classes: int) -> tuple[float, ...]:
        """ln(classes): every class is as likely."""
        return (math.log(classes),)

    def start_training(self, recipe: Recipe, device: torch.device, *, classes: int, ranks: Ranks) -> Training:
        """With a linear classifier on the pooled last stage."""
        from loocbench.pretraining.supervised_step import SupervisedTraining

        return SupervisedTraining(recipe, classes, device, ranks)


SUPERVISED = Supervised()
