"""Which batch fits into a device's memory."""

from __future__ import annotations

import torch

from loocbench.pretraining import recipes, step
from loocbench.types import Recipe


def fitting_batch(recipe: Recipe, on: torch.device) -> int:
    """The largest batch, halving from the recipe's, of which one step fits into the device's memory; 0 if none does."""
    views = max(len(source) for source in recipes.view_sources(recipe).values())
    size = recipe.batch_size // 2
    while size >= 2:
        try:
            training = step.start(recipe.model_copy(update={"groups": 1}), on, classes=2)
            images = torch.zeros(views, size, 3, recipe.image_size, recipe.image_size, device=on)
            labels = torch.zeros(size, dtype=torch.long, device=on)
            training.step(training.layout.share(size), images[0], images[1:], labels)
            return size
        except torch.OutOfMemoryError:
            size //= 2
    return 0
