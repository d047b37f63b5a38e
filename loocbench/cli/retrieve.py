"""``loocbench retrieve``: nearest-neighbour retrieval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.settings import EvaluationSettings


@with_options(EvaluationSettings)
def retrieve(
    settings: EvaluationSettings,
    dataset: o.DatasetName = "blooms",
    controlled: Annotated[
        bool,
        typer.Option(
            "--controlled",
            help="Compare each image with its own recoloured and rotated copies; needs no labels.",
            rich_help_panel=o.DATA,
        ),
    ] = False,
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture",
            "--gallery",
            help="File for the gallery or the curve; default beside the row.",
            rich_help_panel=o.OUTPUT,
        ),
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Nearest neighbours by class and by colour, with a gallery picture; a query is never its own neighbour."""
    from loocbench.cards import finding
    from loocbench.cli.console import Display
    from loocbench.cli.show_rows import show_estimate, show_row
    from loocbench.jobs.evaluation import evaluate_task
    from loocbench.jobs.pictures import draw_row

    card = finding.find_task("controlled" if controlled else "retrieval", dataset)
    if settings.dry_run:
        show_estimate(card, checkpoint, features, settings, as_json=as_json)
        return
    with Display() as display:
        row, path, measurement = evaluate_task(card, checkpoint, features, settings, display)
        drawn = draw_row(measurement, row, picture or path.with_suffix(".png"))
        display.info(f"picture: {drawn}")
    show_row(row, path, as_json=as_json)
