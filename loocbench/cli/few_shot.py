"""``loocbench few-shot``: few-shot classification."""

from __future__ import annotations

from typing import Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
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
    solver: Annotated[
        str,
        typer.Option("--solver", help="adam (the paper's) or path (certified).", rich_help_panel=o.DATA),
    ] = "adam",
    features: o.Features = None,
    checkpoint: o.Checkpoint = None,
    as_json: o.Json = False,
) -> None:
    """Few-shot classification: all classes from a few images per class, or N-way K-shot episodes."""
    from loocbench.cards import finding
    from loocbench.cli.show_rows import evaluate_and_show

    wanted = {"shots": shots, "ways": ways} if ways else {"shots": shots, "solver": solver}
    card = finding.find_task_by_settings(("few-shot", "episodes"), dataset, **wanted)
    evaluate_and_show(card, checkpoint, features, settings, as_json=as_json)
