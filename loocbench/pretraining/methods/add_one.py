"""The ablation "add one": k_i differs from q in augmentation i alone, so that Z_i is invariant to nothing else.

    q, k_0          two views of an image, augmented independently
    k_i, i = 1..n   q's own draws, crop, flip and blur among them, but augmentation i drawn anew

That it keeps LooC's loss, with the image's other keys as negatives, is this project's choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from loocbench.pretraining.methods.looc import LooC
from loocbench.pretraining.methods.method import all_augmentations
from loocbench.types import Recipe
from loocbench.views.leave_one_out import Sources, add_one_sources


class AddOne(LooC):
    """LooC with the sharing turned round."""

    name: ClassVar[str] = "add-one"
    title: ClassVar[str] = "Add-one"

    def view_sources(self, recipe: Recipe) -> Sources:
        """n + 2 views; k_i shares everything but augmentation i with q."""
        return add_one_sources(all_augmentations(recipe), recipe.left_out)

    def varies_with(self, recipe: Recipe) -> Mapping[str, str]:
        """None: Z_i is invariant to augmentation i, and may vary with all others."""
        return {}


ADD_ONE = AddOne()
