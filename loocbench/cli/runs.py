"""``loocbench runs ls | show``: pretraining runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o

app = typer.Typer(no_args_is_help=True, help="Pretraining runs: list, show with curves.")

_NUMBERS = ("epochs", "loss", "kNN %", "images/s")  # columns


@app.command("ls")
def list_runs(runs: o.Runs = o.DEFAULT_RUNS, as_json: o.Json = False) -> None:
    """List the runs: model, data, epochs, loss, kNN accuracy on held-out images, speed."""
    from loocbench.cli.console import stdout
    from loocbench.jobs.runs import find_runs
    from loocbench.pretraining.labels import model_label

    found = find_runs(runs)
    if as_json:
        entries = [
            {**run.card.model_dump(mode="json"), "state": run.state, "knn": run.knn, "last": run.last} for run in found
        ]
        print(json.dumps(entries))
        return
    from rich.table import Table

    table = Table()
    for heading in ("run", "model", "data", "state", *_NUMBERS):
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left")
    for run in found:
        table.add_row(
            run.card.name,
            model_label(run.card),
            run.card.dataset,
            run.state,
            run.epochs,
            f"{run.last['loss']:.3f}" if run.last else "–",
            f"{run.knn * 100:.1f}" if run.knn is not None else "–",
            f"{run.last['images_per_second']:.0f}" if run.last else "–",
        )
    stdout().print(table)


@app.command("show")
def show_run(
    name: Annotated[str, typer.Argument(help="A run's name.")],
    runs: o.Runs = o.DEFAULT_RUNS,
    output: Annotated[
        Path | None, typer.Option("--output", help="The picture (PNG); default RUNS/NAME/curves.png.")
    ] = None,
) -> None:
    """Print a run's last epochs and draw its curves: losses, alignment, queues, kNN accuracy."""
    from rich.table import Table

    from loocbench.cli.console import stdout
    from loocbench.jobs.runs import draw_run, find_run
    from loocbench.pretraining.labels import model_label

    run = find_run(runs, name)
    picture = draw_run(run, output or run.folder.path / "curves.png")
    console = stdout()
    line = f"{model_label(run.card)} on {run.card.dataset}, {run.state}"
    console.print(line, highlight=False, soft_wrap=True, markup=False)
    table = Table()
    for heading in ("epoch", "loss", *run.last["losses"], "learning rate", "kNN %", "images/s"):
        table.add_column(heading, justify="right")
    for entry in run.log[-10:]:
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
