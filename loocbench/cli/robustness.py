"""``loocbench robustness``"""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.settings import EvaluationSettings


@with_options(EvaluationSettings)
def robustness(
    settings: EvaluationSettings,
    dataset: o.DatasetName = "blooms",
    elsewhere: Annotated[
        str,
        typer.Option(
            "--elsewhere",
            help="Judge on this data set as it is (imagenet-c-100, objectnet13); default corruptions made here.",
            rich_help_panel=o.DATA,
        ),
    ] = "",
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
    as_json: o.Json = False,
) -> None:
    """A classifier trained on clean images, judged as it is on corrupted or unfamiliar ones."""
    from loocbench.cards import finding
    from loocbench.cli.show_rows import evaluate_and_show

    card = finding.find_task("robustness", dataset, elsewhere=elsewhere)
    evaluate_and_show(card, checkpoint, features, settings, as_json=as_json)
