"""``loocbench robustness``: accuracy on corrupted or out-of-distribution images."""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.question import Question
from loocbench.jobs.settings import EvaluationSettings


@with_options(EvaluationSettings)
def robustness(
    settings: EvaluationSettings,
    dataset: o.DatasetName = "blooms",
    elsewhere: Annotated[
        str,
        typer.Option(
            "--elsewhere",
            help="Evaluate on this test-only data set (imagenet-c-100, objectnet13); default generated corruptions.",
            rich_help_panel=o.DATA,
        ),
    ] = "",
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
    as_json: o.Json = False,
) -> None:
    """Evaluate a classifier trained on clean images on corrupted or out-of-distribution ones."""
    from loocbench.cli.show_rows import evaluate_and_show

    arguments = {"kind": "robustness", "dataset": dataset, "elsewhere": elsewhere}
    question = Question("find_task", arguments, checkpoint, features, settings)
    evaluate_and_show(question, as_json=as_json)
