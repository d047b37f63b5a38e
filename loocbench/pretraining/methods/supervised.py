"""The supervised row of the paper's Table 1: the same backbone and augmentations, cross-entropy on the labels.

Its recipe is not stated; one view an image, a linear layer on the pooled last stage, and the optimiser of the other
rows are this project's choice.
"""

from __future__ import annotations

from typing import ClassVar

from loocbench.types import Recipe
from loocbench.views.leave_one_out import Sources
from loocbench.views.making import ALWAYS


class Supervised:
    """One view, no spaces; the classifier is trained with the network and is kept in the run's states alone."""

    separate: ClassVar[bool] = False
    leaves_out: ClassVar[bool] = False

    def spaces(self, recipe: Recipe) -> tuple[str, ...]:
        """There are no embedding spaces: features are those of the general space."""
        return ()

    def sources(self, recipe: Recipe) -> Sources:
        """One view."""
        return dict.fromkeys((*ALWAYS, *recipe.augmentations), (0,))
