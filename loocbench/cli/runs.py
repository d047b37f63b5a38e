"""``loocbench runs ls | show``: pretraining runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loocbench.cli import completing
from loocbench.cli import options as o

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(no_args_is_help=True, help="Pretraining runs: list, show with curves.")


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
        print(json.dumps({"runs": entries}))
        return
    if not found:
        stdout().print(f"no runs in {runs}: 'loocbench pretrain' makes one.", highlight=False, soft_wrap=True)
        return
    from loocbench.cli.listing import Heading, print_list

    headings = [Heading("run"), Heading("model", spare=3), Heading("data", spare=4), Heading("state")]
    headings += [Heading("epochs", right=True), Heading("loss", right=True, spare=1)]
    headings += [Heading("kNN %", right=True, spare=1), Heading("images/s", right=True, spare=2)]
    lines = (
        [
            run.card.name,
            model_label(run.card),
            run.card.dataset,
            run.state,
            run.epochs,
            f"{run.last['loss']:.3f}" if run.last else "–",
            f"{run.knn * 100:.1f}" if run.knn is not None else "–",
            f"{run.last['images_per_second']:.0f}" if run.last else "–",
        ]
        for run in found
    )
    print_list(stdout(), headings, lines, all_by="--json has all")


@app.command("show")
def show_run(
    name: Annotated[str, typer.Argument(help="A run's name.", autocompletion=completing.complete_run)],
    runs: o.Runs = o.DEFAULT_RUNS,
    output: Annotated[
        Path | None, typer.Option("--output", help="The picture (PNG); default RUNS/NAME/curves.png.")
    ] = None,
) -> None:
    """Print a run's last epochs and its signs of learning, and draw its curves."""
    from loocbench.cli.console import print_text, stdout
    from loocbench.cli.listing import Heading, print_list
    from loocbench.jobs.runs import draw_run, find_run
    from loocbench.pretraining.labels import model_label

    run = find_run(runs, name)
    picture = draw_run(run, output or run.folder.path / "curves.png")
    console = stdout()
    line = f"{model_label(run.card)} on {run.card.dataset}, {run.state}"
    console.print(line, highlight=False, soft_wrap=True, markup=False)
    headings = [Heading("epoch", right=True), Heading("loss", right=True)]
    headings += [Heading(name, right=True) for name in run.last["losses"]]
    headings += [Heading("rank", right=True, spare=1), Heading("learning rate", right=True, spare=3)]
    headings += [Heading("kNN %", right=True), Heading("images/s", right=True, spare=2)]
    lines = (
        [
            str(entry["epoch"]),
            f"{entry['loss']:.3f}",
            *(f"{value:.3f}" for value in entry["losses"].values()),
            f"{entry['effective_rank']:.1f}" if "effective_rank" in entry else "",
            f"{entry['learning_rate']:.4g}",
            f"{entry['knn'] * 100:.1f}" if "knn" in entry else "",
            f"{entry['images_per_second']:.0f}",
        ]
        for entry in run.log[-10:]
    )
    print_list(console, headings, lines, all_by="the curves, and the run's log, have all")
    if run.kept:
        names = ", ".join(run.kept)
        console.print(f"kept: {names} (as --checkpoint)", highlight=False, soft_wrap=True, markup=False)
    if "chance_losses" in run.last:
        _print_signs(console, run.last)
    for text in run.warnings:
        print_text(console, text)
    console.print(f"curves: {picture}", highlight=False, soft_wrap=True, markup=False)


def _print_signs(console: Console, entry: dict[str, Any]) -> None:
    """Print the signs of learning of an epoch: a line per space, with its loss and that of one that learned nothing."""
    from loocbench.cli.listing import Heading, print_list
    from loocbench.pretraining.learning_warnings import format_figure

    augmentations = list(next(iter(entry["variation"].values()), {}))
    names = ("loss", "chance", "cosine of images", *(f"varies with {name}" for name in augmentations))
    headings = [Heading("space" if augmentations else ""), *(Heading(name, right=True) for name in names)]
    lines = []
    for space, loss in entry["losses"].items():
        similarity, moved = entry["similarity"].get(space), entry["variation"].get(space, {})
        lines.append(
            [
                space,
                f"{loss:.3f}",
                f"{entry['chance_losses'][space]:.3f}",
                "" if similarity is None else f"{similarity:.3f}",
                *(format_figure(moved[name], 3) if name in moved else "" for name in augmentations),
            ]
        )
    print_list(console, headings, lines, title=f"signs of learning, epoch {entry['epoch']}")
