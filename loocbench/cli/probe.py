"""``loocbench probe``: linear probe."""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.question import Question
from loocbench.jobs.settings import EvaluationSettings


@with_options(EvaluationSettings)
def probe(
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
    solver: Annotated[
        str,
        typer.Option(
            "--solver",
            help="path (certified logistic regression), ridge (instant) or sgd (the paper's).",
            rich_help_panel=o.DATA,
        ),
    ] = "path",
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
    as_json: o.Json = False,
) -> None:
    """Linear probe: strength chosen on a validation split; top-1, top-5 and mean per class on the test split."""
    from loocbench.cli.show_rows import evaluate_and_show

    arguments = {"kind": "linear", "dataset": dataset, "label": label, "solver": solver}
    question = Question("find_task", arguments, checkpoint, features, settings)
    evaluate_and_show(question, as_json=as_json)
