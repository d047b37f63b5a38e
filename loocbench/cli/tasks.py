"""``loocbench tasks ls | show | validate``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The task cards: list, show, validate.")


@app.command("ls")
def ls(json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """List the tasks."""
    from loocbench.cards import tasks
    from loocbench.cli.console import stdout

    cards = [tasks.load(name) for name in tasks.names()]
    if json:
        import json as encoder

        print(encoder.dumps([card.model_dump(mode="json") for card in cards]))
        return
    from rich.table import Table

    table = Table()
    for heading in ("task", "version", "data set", "labels", "metric", "cost"):
        table.add_column(heading)
    for card in cards:
        table.add_row(card.task, str(card.version), card.dataset, ", ".join(card.labels), card.metric, card.cost)
    stdout().print(table)


@app.command("show")
def show(task: Annotated[str, typer.Argument(help="A task, such as linear/cub200.")]) -> None:
    """Print a task's card as it is."""
    from loocbench.cards import tasks

    tasks.load(task)
    print((tasks.folder() / f"{task}.toml").read_text(encoding="utf-8"), end="")


@app.command("validate")
def validate(
    cards: Annotated[
        list[Path] | None, typer.Argument(help="Card files; default all shipped tasks, suites and recipes.")
    ] = None,
) -> None:
    """Check cards without running anything."""
    from loocbench.cards import recipes, suites, tasks

    every = [*cards] if cards else sorted(tasks.folder().rglob("*.toml"))
    for path in every:
        if path.parent.name == "suites":
            suites.read(path)
        elif path.parent.parent.name == "recipes":
            recipes.read(path)
        else:
            tasks.read(path)
    print(f"{len(every)} cards are valid")
