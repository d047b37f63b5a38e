"""``loocbench select``"""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import Request, shared


@shared(Request)
def select(
    request: Request,
    dataset: o.DatasetName = "blooms",
    label: Annotated[
        str | None,
        typer.Option(
            "--label", help="Which label to predict (blooms: species, color, texture).", rich_help_panel=o.DATA
        ),
    ] = None,
    checkpoint: o.Checkpoint = None,
) -> None:
    """Which space or concatenation is best for a task: all tried on validation images, the best one tested."""
    import json
    from dataclasses import asdict

    from loocbench.cards import finding
    from loocbench.cli import measuring
    from loocbench.jobs import select as job
    from loocbench.types import SELECTED

    card = finding.find("linear", dataset, label)
    with measuring.opened_measurement(card, request, checkpoint) as measurement:
        found = job.candidates(measurement)
        row, path = job.row_of(measurement, found, **request.store)
    if request.json:
        metrics = {name: metric.model_dump() for name, metric in row.metrics.items()}
        print(
            json.dumps(
                {
                    "task": row.task,
                    "dataset": row.dataset,
                    "checkpoint": row.checkpoint,
                    "seed": row.seed,
                    "candidates": [asdict(one) for one in found],
                    "features": row.stated[SELECTED],
                    "row": str(path),
                    "metrics": metrics,
                }
            )
        )
        return
    from rich.table import Table

    from loocbench.cli.console import stdout

    table = Table(title=f"{card.title}: top-1 on validation images")
    for heading in ("features", "dimensions", "val top-1 %", "lambda"):
        table.add_column(heading, justify="left" if heading == "features" else "right")
    for place, one in enumerate(found):
        style = "bold" if place == 0 else ""
        table.add_row(one.features, f"{one.dim:,}", f"{100 * one.val_top1:.1f}", f"{one.strength:g}", style=style)
    stdout().print(table)
    measuring.show(row, path, request)
