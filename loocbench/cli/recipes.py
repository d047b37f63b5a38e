"""``loocbench recipes ls | show``: recipe cards of pretraining."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o

app = typer.Typer(no_args_is_help=True, help="Recipe cards of pretraining: list, show.")


@app.command("ls")
def list_recipes(as_json: o.Json = False) -> None:
    """List the recipes."""
    from loocbench.cards import recipes
    from loocbench.cli.console import stdout

    cards = [recipes.load_recipe(name) for name in recipes.recipe_names()]
    if as_json:
        print(json.dumps({"recipes": [card.model_dump(mode="json") for card in cards]}))
        return
    from loocbench.cli.listing import Heading, print_list

    headings = [Heading("recipe"), Heading("model"), Heading("data set", spare=2), Heading("backbone", spare=1)]
    headings += [Heading("px", right=True), Heading("epochs", right=True), Heading("cost", spare=3)]
    lines = []
    for card in cards:
        recipe = card.make()
        network = (recipe.backbone, str(recipe.image_size), str(recipe.epochs))
        lines.append([card.recipe, card.title, card.dataset, *network, card.cost])
    print_list(stdout(), headings, lines, all_by="--json has all")


@app.command("show")
def show_recipe(recipe: Annotated[str, typer.Argument(help="A recipe, such as paper/looc++, or a file.")]) -> None:
    """Print a recipe card's file."""
    from loocbench.cards import recipes

    recipes.load_recipe(recipe)
    path = Path(recipe) if recipe.endswith(".toml") else recipes.recipes_folder() / f"{recipe}.toml"
    print(path.read_text(encoding="utf-8"), end="")
