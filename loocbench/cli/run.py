"""``loocbench run``: a suite of models and tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.settings import EvaluationSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.cards.suites import SuiteCard
    from loocbench.jobs.suite_plan import PlannedModel


@with_options(EvaluationSettings, without=("suite",))
def run(
    settings: EvaluationSettings,
    suite: Annotated[str, typer.Argument(help="A suite card, such as small, paper or photographs.")],
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint",
            help="As for probe (repeatable); default the suite's own models, pretrained first, else the newest run.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option("--features", help="As for probe (repeatable); default each one's own.", rich_help_panel=o.MODEL),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the jobs.")] = False,
    as_json: o.Json = False,
) -> None:
    """Run a suite: pretrain the models that it names and measure them, or measure existing checkpoints.

    Stored rows are kept, and a job that fails does not stop the others.
    """
    from loocbench.cards.suites import load_suite

    run_suite(
        load_suite(suite),
        settings,
        checkpoints=checkpoint or [],
        features=features or [],
        dry_run=dry_run,
        as_json=as_json,
    )


def run_suite(
    card: SuiteCard,
    settings: EvaluationSettings,
    *,
    checkpoints: Sequence[str] = (),
    features: Sequence[str] = (),
    dry_run: bool = False,
    as_json: bool = False,
) -> None:
    """Plan a suite, do the missing jobs, and show its table. Raises UserError for jobs that could not be done."""
    from dataclasses import replace

    from loocbench.checkpoints import locate
    from loocbench.cli import report
    from loocbench.cli.console import Display
    from loocbench.errors import UserError
    from loocbench.jobs import suite, suite_plan
    from loocbench.jobs.session import Session

    settings = replace(settings, suite=card.suite)
    if card.models and features and not checkpoints:
        raise UserError(f"suite {card.suite} names its models' features; --features needs a --checkpoint.")
    references = checkpoints or ([] if card.models else [str(locate.find_newest(settings.runs))])
    with Display() as display:
        session = Session(settings, display)
        models = suite_plan.plan_suite(card, session, settings, references=references, features=features)
        if not dry_run:
            result = suite.run_suite(card, models, session, settings)
            summary = suite.summarise_suite(result, settings, display)
            models = suite_plan.plan_suite(card, session, settings, references=references, features=features)
    if dry_run or as_json:
        _show_plan(models, as_json=as_json)
    elif summary:
        report.show(summary.table, summary.files)
        for picture in summary.pictures:
            print(f"picture: {picture}")
    if not dry_run and result.failed:
        job, reason = result.failed[0]
        total = sum(len(model.jobs) for model in models)
        raise UserError(
            f"{len(result.failed)} of {total} jobs could not be done, the first ({job.task.task}): {reason}"
        )


def _show_plan(models: Sequence[PlannedModel], *, as_json: bool) -> None:
    """Print the checkpoints with their jobs, and the reasons for those that cannot be done."""
    if as_json:
        import json

        print(json.dumps({"models": [_model_to_json(model) for model in models]}))
        return
    from rich.table import Table

    from loocbench.cli.console import stdout

    console = stdout()
    table = Table()
    for heading in ("checkpoint", "features", "state", "rows"):
        table.add_column(heading, justify="right" if heading == "rows" else "left", overflow="fold")
    for model in models:
        kept = sum(job.state == "kept" for job in model.jobs)
        table.add_row(model.name, ", ".join(model.features), model.state, f"{kept} of {len(model.jobs)}")
    console.print(table)
    todo = {job.task.task: job.task for model in models for job in model.jobs if job.state == "to do"}
    for task, card in todo.items():
        console.print(f"to do: {task}: {card.cost}", highlight=False, soft_wrap=True, markup=False)
    hindered = [job for model in models for job in model.jobs if job.state in ("blocked", "impossible")]
    for line in dict.fromkeys(f"{job.state}: {job.task.task}: {job.note}" for job in hindered):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def _model_to_json(model: PlannedModel) -> dict[str, object]:
    recipe = model.recipe
    return {
        "checkpoint": model.name,
        "model": model.label,
        "method": recipe.method if recipe else None,
        "seed": recipe.seed if recipe else None,
        "state": model.state,
        "features": model.features,
        "jobs": [
            {
                "task": job.task.task,
                "features": job.features,
                "state": job.state,
                "note": job.note,
                "row": str(job.row) if job.row else None,
            }
            for job in model.jobs
        ],
    }
