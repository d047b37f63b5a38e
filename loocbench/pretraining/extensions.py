"""Extensions of finished runs: the recipe of more epochs, and the recipes that it was before. Imports no torch."""

from __future__ import annotations

from loocbench.types import Recipe


def extend(recipe: Recipe, epochs: int) -> Recipe:
    """Return the recipe of a finished run with ``epochs`` further ones; milestones stay where they were."""
    return recipe.model_copy(update={"epochs": recipe.epochs + epochs, "extended": (*recipe.extended, recipe.epochs)})


def before_extension(recipe: Recipe) -> Recipe:
    """Return the recipe that :func:`extend` last extended to this one."""
    *earlier, ended = recipe.extended
    return recipe.model_copy(update={"epochs": ended, "extended": tuple(earlier)})


def list_earlier(recipe: Recipe | None) -> list[Recipe]:
    """Return the recipes of the finished runs that this one's extended, the latest first."""
    found = []
    while recipe and recipe.extended:
        recipe = before_extension(recipe)
        found.append(recipe)
    return found
