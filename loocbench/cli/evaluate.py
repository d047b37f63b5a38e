"""``loocbench evaluate``: any task by its name or card."""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import completing
from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.question import Question
from loocbench.jobs.settings import EvaluationSettings


@with_options(EvaluationSettings)
def evaluate(
    settings: EvaluationSettings,
    task: Annotated[
        str,
        typer.Option(
            "--task",
            help="A task of 'loocbench tasks ls', or FILE.toml.",
            autocompletion=completing.complete_task,
            rich_help_panel=o.DATA,
        ),
    ],
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
    as_json: o.Json = False,
) -> None:
    """Evaluate a checkpoint on any task, by the task's name or the file of its card."""
    from loocbench.cli.show_rows import evaluate_and_show

    arguments = {"name": task}
    question = Question("find_named_task", arguments, checkpoint, features, settings)
    evaluate_and_show(question, as_json=as_json)
