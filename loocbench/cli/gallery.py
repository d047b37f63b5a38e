"""``loocbench gallery``: nearest neighbours of several models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import completing
from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.settings import InputSettings


@with_options(InputSettings)
def gallery(
    settings: InputSettings,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint",
            help="As for retrieve (repeatable); default the newest run.",
            autocompletion=completing.complete_checkpoint,
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--features", help="As for retrieve (repeatable); default each one's own.", rich_help_panel=o.MODEL
        ),
    ] = None,
    dataset: o.DatasetName = "blooms",
    picture: Annotated[Path, typer.Option("--picture", help="The picture (PNG).", rich_help_panel=o.OUTPUT)] = Path(
        "gallery.png"
    ),
) -> None:
    """Draw the nearest neighbours that several models find for the same images, one above the other."""
    from loocbench.cards import finding
    from loocbench.cli.console import Display
    from loocbench.jobs import gallery as job
    from loocbench.jobs.evaluation import open_task
    from loocbench.jobs.session import Session

    card = finding.find_task("retrieval", dataset)
    with Display() as display:
        session = Session(settings, display)
        references: list[str | None] = list(checkpoint) if checkpoint else [None]
        names: list[str | None] = list(features) if features else [None]
        opened = [open_task(card, reference, name, session) for reference in references for name in names]
        for measurement in opened:
            measurement.features("test")  # extracted while the progress is shown
    job.draw_neighbours(opened, picture)
    print(f"gallery: {picture}")
