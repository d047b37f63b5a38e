"""Recipe cards: a named pretraining run, its data set and its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from loocbench.cards.folder import tasks_folder
from loocbench.data import catalog
from loocbench.errors import UserError, unknown
from loocbench.pretraining import recipes
from loocbench.toml_files import read_card
from loocbench.types import Frozen, Recipe


class RecipeCard(Frozen):
    """A recipe. recipe: its path below tasks/recipes/ without the ending; settings: arguments of ``recipes.make``."""

    recipe: str = Field(pattern=r"^[a-z0-9_-]+/[a-z0-9_+-]+$")
    version: int = Field(ge=1)
    title: str
    description: str
    dataset: str
    cost: str
    settings: dict[str, Any]

    def make(self, **changes: Any) -> Recipe:
        """Return the recipe, with some settings changed. Raises UserError."""
        return recipes.make(**{**self.settings, **changes})


def recipes_folder() -> Path:
    """Return the folder of the recipe cards."""
    return tasks_folder() / "recipes"


def recipe_names() -> list[str]:
    """Return the names of all recipes, sorted."""
    return sorted(
        path.relative_to(recipes_folder()).with_suffix("").as_posix() for path in recipes_folder().glob("*/*.toml")
    )


def load_recipe(recipe: str) -> RecipeCard:
    """Return the card of a recipe, or of a file whose path ends in .toml. Raises UserError for an unknown name or an
    invalid card."""
    if recipe.endswith(".toml"):
        return _check_recipe(Path(recipe))
    if recipe not in recipe_names():
        raise unknown("recipe", recipe, recipe_names(), listed_by="loocbench recipes ls")
    return read_recipe(recipes_folder() / f"{recipe}.toml")


def read_recipe(path: Path) -> RecipeCard:
    """Read and validate one recipe file: its data set and every setting must exist."""
    card = _check_recipe(path)
    if card.recipe != f"{path.parent.name}/{path.stem}":
        raise UserError(
            f"{path}: recipe is '{card.recipe}', but the file is {path.parent.name}/{path.name}; rename one."
        )
    return card


def _check_recipe(path: Path) -> RecipeCard:
    card = read_card(path, RecipeCard)
    if not card.dataset.startswith(catalog.FOLDER_PREFIX):
        catalog.entry_of(card.dataset)
    if strange := set(card.settings) - set(recipes.SETTINGS):
        raise unknown(f"setting of {path}", min(strange), recipes.SETTINGS)
    card.make()
    return card
