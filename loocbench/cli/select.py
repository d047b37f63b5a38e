"""``loocbench select``: the best combination of spaces for a linear probe."""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.settings import EvaluationSettings


@with_options(EvaluationSettings)
def select(
    settings: EvaluationSettings,
    dataset: o.DatasetName = "blooms",
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            help="The label to predict (blooms: species, color, texture); default the main one.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    checkpoint: o.Checkpoint = None,
    as_json: o.Json = False,
) -> None:
    """Choose the best space or concatenation for a task: all tried on validation images, the best one tested."""
    import json
    from dataclasses import asdict

    from loocbench.cards import finding
    from loocbench.cli.console import Display, stdout
    from loocbench.cli.show_rows import show_estimate, show_row
    from loocbench.jobs import select as job
    from loocbench.jobs.evaluation import open_task
    from loocbench.jobs.session import Session
    from loocbench.types import SELECTED

    card = finding.find_task("linear", dataset, label)
    if settings.dry_run:
        show_estimate(card, checkpoint, None, settings, as_json=as_json)
        return
    with Display() as display:
        measurement = open_task(card, checkpoint, None, Session(settings, display))
        found = job.list_candidates(measurement)
        row, path = job.load_or_select(measurement, settings, found)
    if as_json:
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
    from loocbench.cli.listing import Heading, print_list

    headings = [Heading("features")]
    headings += [Heading(name, right=True) for name in ("dimensions", "val top-1 %", "lambda")]
    lines = ([one.features, f"{one.dim:,}", f"{100 * one.val_top1:.1f}", f"{one.strength:g}"] for one in found)
    title = f"{measurement.card.title}: top-1 on validation images"
    print_list(stdout(), headings, lines, title=title, bold_first=True)
    show_row(row, path, as_json=False)
