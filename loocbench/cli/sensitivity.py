"""``loocbench sensitivity``: sensitivity of spaces to image changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.settings import EvaluationSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.types import Row


@with_options(EvaluationSettings)
def sensitivity(
    settings: EvaluationSettings,
    dataset: o.DatasetName = "blooms",
    features: o.Spaces = None,
    checkpoint: o.Checkpoint = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="File for the heat map; default beside the rows.", rich_help_panel=o.OUTPUT),
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Sensitivity of each space to each image change: invariance, equivariance, and loss of top-1."""
    from loocbench.cards import finding
    from loocbench.cli.console import Display
    from loocbench.cli.show_rows import print_paths, print_rows_as_json, show_estimate
    from loocbench.jobs.evaluation import evaluate_every, open_task
    from loocbench.jobs.session import Session
    from loocbench.pretraining.labels import model_label
    from loocbench.report.figures import heat_map

    card = finding.find_task("sensitivity", dataset)
    if settings.dry_run:
        show_estimate(card, checkpoint, features[0] if features else None, settings, as_json=as_json)
        return
    with Display() as display:
        measurement = open_task(card, checkpoint, None, Session(settings, display))
        card = measurement.card
        rows, paths = zip(*evaluate_every(measurement, features, settings), strict=True)
        place = picture or paths[0].parent / f"{card.task.replace('/', '-')}.v{card.version}.s{settings.seed}.png"
        heat_map.draw_heat_map(
            rows, card.protocol.changes, f"{model_label(measurement.encoder.card)}: {card.title}", place
        )
        display.info(f"heat map: {place}")
    if as_json:
        print_rows_as_json(rows)
        return
    for name in card.task_kind.change_metrics:
        _print_matrix(rows, card.protocol.changes, name)
    print_paths(paths)


def _print_matrix(rows: Sequence[Row], changes: Sequence[str], name: str) -> None:
    """Print one metric as a table of changes by spaces, in per cent."""
    from loocbench.cli.console import stdout
    from loocbench.cli.listing import Heading, print_list
    from loocbench.report.table.labels import format_percent

    # A column for each space, since there are more changes than spaces.
    headings = [Heading("change"), *(Heading(row.features, right=True) for row in rows)]
    lines = ([change, *(format_percent(row.metrics[f"{change}_{name}"].value) for row in rows)] for change in changes)
    print_list(stdout(), headings, lines, title=f"{name.replace('_', ' ').replace('top1', 'top-1')}, %")
