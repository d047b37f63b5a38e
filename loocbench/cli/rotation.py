"""``loocbench rotation``: rotation prediction."""

from __future__ import annotations

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.question import Question
from loocbench.jobs.settings import EvaluationSettings


@with_options(EvaluationSettings)
def rotation(
    settings: EvaluationSettings,
    dataset: o.DatasetName = "blooms",
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
    as_json: o.Json = False,
) -> None:
    """Rotation prediction: which of four exact quarter turns a square crop was given."""
    from loocbench.cli.show_rows import evaluate_and_show

    arguments = {"kind": "rotation", "dataset": dataset}
    question = Question("find_task", arguments, checkpoint, features, settings)
    evaluate_and_show(question, as_json=as_json)
