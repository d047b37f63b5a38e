"""``loocbench rotation``: rotation prediction."""

from __future__ import annotations

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
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
    from loocbench.cards import finding
    from loocbench.cli.show_rows import evaluate_and_show

    card = finding.find_task("rotation", dataset)
    evaluate_and_show(card, checkpoint, features, settings, as_json=as_json)
