"""``loocbench few-shot``: few-shot classification."""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.question import Question
from loocbench.jobs.settings import EvaluationSettings


@with_options(EvaluationSettings)
def few_shot(
    settings: EvaluationSettings,
    dataset: o.DatasetName = "flowers102",
    shots: Annotated[
        int, typer.Option("--shots", min=1, help="Training images per class.", rich_help_panel=o.DATA)
    ] = 5,
    ways: Annotated[
        int,
        typer.Option("--ways", min=0, help="Classes per episode; 0: all classes at once.", rich_help_panel=o.DATA),
    ] = 0,
    trials: Annotated[
        int | None,
        typer.Option(
            "--trials",
            min=2,
            help="Draws of training images, or episodes; default 10, or 2,000 episodes.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option("--label", help="The label to predict; default the main one.", rich_help_panel=o.DATA),
    ] = None,
    solver: Annotated[
        str,
        typer.Option("--solver", help="adam (the paper's) or path (certified).", rich_help_panel=o.DATA),
    ] = "adam",
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
    as_json: o.Json = False,
) -> None:
    """Few-shot classification: all classes from a few images per class, or N-way K-shot episodes."""
    from loocbench.cli.show_rows import evaluate_and_show

    numbers = {"shots": shots, "ways": ways, "trials": trials}
    arguments = {"dataset": dataset, "label": label, "solver": solver, **numbers}
    question = Question("find_few_shot_task", arguments, checkpoint, features, settings)
    evaluate_and_show(question, as_json=as_json)
