"""How many images fit into a device's memory."""

from __future__ import annotations

import torch

from loocbench.pretraining import recipes, step
from loocbench.types import Recipe


def find_fitting_group(recipe: Recipe, on: torch.device) -> int:
    """The largest group, halving from the recipe's, of which two steps fit into the device's memory; 0 if none does."""
    size = recipe.batch_size // recipe.groups // 2
    while size >= 2:
        if _fits(recipe.model_copy(update={"groups": 1}), size, on):
            return size
        size //= 2
    return 0


def _fits(recipe: Recipe, size: int, on: torch.device) -> bool:
    """Whether a batch of ``size`` fits, over two steps: on the second the optimiser has its momentum."""
    views = max(len(source) for source in recipes.view_sources(recipe).values())
    try:
        training = step.start_training(recipe, on, classes=2)
        images = torch.zeros(views, size, 3, recipe.image_size, recipe.image_size, device=on)
        labels = torch.zeros(size, dtype=torch.long, device=on)
        for _ in range(2):
            training.step(training.layout.share(size), images[0], images[1:], labels)
    except torch.OutOfMemoryError:
        return False
    return True
