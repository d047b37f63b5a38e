"""The learning rate of an epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loocbench.types import Recipe


def learning_rate(recipe: Recipe, epoch: int) -> float:
    """The learning rate of an epoch (0-based) of a recipe.

    The epochs of an extended run have the rates of a run of so many epochs as were planned when they were trained, as
    in MoCo's code where ``--epochs`` is raised and the run resumed: a cosine is then at its place on the longer curve,
    above where the shorter one ended, and steps stay where they were.
    """
    if recipe.schedule == "cosine":
        planned = next((ended for ended in recipe.extended if epoch < ended), recipe.epochs)
        return cosine(recipe.learning_rate, epoch, planned)
    return step(recipe.learning_rate, epoch, recipe.milestones)


def step(base: float, epoch: int, milestones: Sequence[int]) -> float:
    """``base`` divided by 10 at each milestone that ``epoch`` (0-based) has reached."""
    return base * 0.1 ** sum(epoch >= milestone for milestone in milestones)


def cosine(base: float, epoch: int, epochs: int) -> float:
    """Half a cosine from ``base`` at epoch 0 down towards 0 at ``epochs`` (MoCo v2 sets it once an epoch)."""
    return base * 0.5 * (1 + math.cos(math.pi * epoch / epochs))
