"""``loocbench recipes ls | show``"""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o

app = typer.Typer(no_args_is_help=True, help="The recipe cards of pretraining: list, show.")


@app.command("ls")
def ls(json: o.Json = False) -> None:
    """List the recipes."""
    from loocbench.cards import recipes
    from loocbench.cli.console import stdout

    cards = [recipes.load(name) for name in recipes.names()]
    if json:
        import json as encoder

        print(encoder.dumps([card.model_dump(mode="json") for card in cards]))
        return
    from rich.table import Table

    table = Table()
    for heading in ("recipe", "model", "data set", "backbone", "px", "epochs", "cost"):
        table.add_column(heading)
    for card in cards:
        made = card.make()
        table.add_row(
            card.recipe, card.title, card.dataset, made.backbone, str(made.image_size), str(made.epochs), card.cost
        )
    stdout().print(table)


@app.command("show")
def show(recipe: Annotated[str, typer.Argument(help="A recipe, such as paper/looc++.")]) -> None:
    """Print a recipe's card as it is."""
    from loocbench.cards import recipes

    recipes.load(recipe)
    print((recipes.folder() / f"{recipe}.toml").read_text(encoding="utf-8"), end="")
