"""``loocbench runs ls | show``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o

app = typer.Typer(no_args_is_help=True, help="The pretraining runs: list, show with curves.")


@app.command("ls")
def ls(runs: o.Runs = o.DEFAULT_RUNS, json: o.Json = False) -> None:
    """List the runs: model, data, epochs, loss, kNN accuracy on held-out images, speed."""
    from loocbench.cli.console import stdout
    from loocbench.jobs import runs as job

    every = job.find(runs)
    if json:
        import json as encoder

        print(
            encoder.dumps(
                [
                    {**one.card.model_dump(mode="json"), "state": one.state, "knn": one.knn, "last": one.last}
                    for one in every
                ]
            )
        )
        return
    from rich.table import Table

    table = Table()
    for heading in ("run", "model", "data", "state", "epochs", "loss", "kNN %", "images/s"):
        table.add_column(heading, justify="right" if heading in ("epochs", "loss", "kNN %", "images/s") else "left")
    for one in every:
        table.add_row(
            one.card.name,
            one.card.label,
            one.card.dataset,
            one.state,
            one.epochs,
            f"{one.last['loss']:.3f}" if one.last else "–",
            f"{one.knn * 100:.1f}" if one.knn is not None else "–",
            f"{one.last['images_per_second']:.0f}" if one.last else "–",
        )
    stdout().print(table)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A run's name.")],
    runs: o.Runs = o.DEFAULT_RUNS,
    output: Annotated[
        Path | None, typer.Option("--output", help="The picture (PNG); default RUNS/NAME/curves.png.")
    ] = None,
) -> None:
    """Print a run's last epochs and draw its curves: losses, alignment, queues, kNN accuracy."""
    from rich.table import Table

    from loocbench.cli.console import stdout
    from loocbench.jobs import runs as job

    one = job.get(runs, name)
    picture = job.draw(one, output or one.folder.path / "curves.png")
    console = stdout()
    console.print(f"{one.card.label} on {one.card.dataset}, {one.state}", highlight=False, soft_wrap=True, markup=False)
    table = Table()
    for heading in ("epoch", "loss", *one.last["losses"], "learning rate", "kNN %", "images/s"):
        table.add_column(heading, justify="right")
    for entry in one.log[-10:]:
        table.add_row(
            str(entry["epoch"]),
            f"{entry['loss']:.3f}",
            *(f"{value:.3f}" for value in entry["losses"].values()),
            f"{entry['learning_rate']:.4g}",
            f"{entry['knn'] * 100:.1f}" if "knn" in entry else "",
            f"{entry['images_per_second']:.0f}",
        )
    console.print(table)
    console.print(f"curves: {picture}", highlight=False, soft_wrap=True, markup=False)
