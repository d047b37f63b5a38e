"""``loocbench sensitivity``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import Request, shared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.types import Row


@shared(Request)
def sensitivity(
    request: Request,
    dataset: o.DatasetName = "blooms",
    features: Annotated[
        list[str] | None,
        typer.Option(
            "--features", help="As for probe (repeatable); default every space alone.", rich_help_panel=o.MODEL
        ),
    ] = None,
    checkpoint: o.Checkpoint = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Where the heat map goes; default beside the rows.", rich_help_panel=o.OUTPUT),
    ] = None,
) -> None:
    """What each space kept of each augmentation: does it move, can the change be told, what does it cost."""
    from loocbench.cards import finding
    from loocbench.cli import measuring
    from loocbench.jobs.evaluation import rows_of
    from loocbench.pretraining.labels import model_label
    from loocbench.report.figures import heat_map

    card = finding.find("sensitivity", dataset)
    with measuring.opened_measurement(card, request, checkpoint) as measurement:
        names = features or measurement.encoder.spaces
        rows, paths = zip(*rows_of(measurement, names, **request.store), strict=True)
        place = picture or paths[0].parent / f"{card.task.replace('/', '-')}.v{card.version}.s{request.seed}.png"
        heat_map.draw_heat_map(
            rows, card.protocol.changes, f"{model_label(measurement.encoder.card)}: {card.title}", place
        )
        measurement.info(f"heat map: {place}")
    if request.json:
        measuring.print_rows(rows)
        return
    for name in ("equivariance", "invariance", "top1_loss"):
        _show(rows, card.protocol.changes, name)
    measuring.say_rows(paths)


def _show(rows: Sequence[Row], changes: Sequence[str], name: str) -> None:
    """Spaces by changes, in per cent."""
    from rich.table import Table

    from loocbench.cli.console import stdout

    table = Table(title=f"{name.replace('_', ' ').replace('top1', 'top-1')}, %", title_justify="left")
    table.add_column("features")
    for change in changes:
        table.add_column(change, justify="right", min_width=4)
    for row in rows:
        table.add_row(row.features, *(f"{100 * row.metrics[f'{change}_{name}'].value:.1f}" for change in changes))
    stdout().print(table)
