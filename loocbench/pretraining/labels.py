"""The names of models in tables."""

from __future__ import annotations

from loocbench.pretraining.methods import METHODS
from loocbench.pretraining.recipes import missing_augmentations, ordinary_augmentations
from loocbench.types import UNTRAINED, CheckpointCard, Recipe
from loocbench.views.augmentations import augmentation_title


def model_label(card: CheckpointCard) -> str:
    """The model's name in tables: "MoCo + Rotation", "LooC (color, rotation)", "Random"; a foreign one's own."""
    if card.recipe is not None:
        return recipe_label(card.recipe)
    return _method_title(UNTRAINED) if card.untrained else card.name


def recipe_label(recipe: Recipe) -> str:
    """The name in tables of what a recipe makes: "LooC (color) from resnet50-IMAGENET1K_V2".

    Methods and augmentations that are not installed keep their names.
    """
    title = _method_title(recipe.method)
    if recipe.untrained:
        return title
    if recipe.left_out:
        title += f" ({', '.join(recipe.left_out)})"
    for name in ordinary_augmentations(recipe):
        title += f" + {augmentation_title(name)}"
        title += " (same for q and k)" if name in recipe.shared else ""
    missing = [augmentation_title(name).lower() for name in missing_augmentations(recipe)]
    title += f" without {' and '.join(missing)}" if missing else ""
    return f"{title} from {recipe.init.name}" if recipe.init else title


def _method_title(method: str) -> str:
    return METHODS[method].title if method in METHODS else method
