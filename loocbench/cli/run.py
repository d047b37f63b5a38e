"""``loocbench run``: a suite of models and tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loocbench.cli import completing
from loocbench.cli import options as o
from loocbench.cli.requests import with_options
from loocbench.jobs.settings import EvaluationSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loocbench.cards.suites import SuiteCard
    from loocbench.jobs.suite_jobs import SuiteJob
    from loocbench.jobs.suite_plan import PlannedModel

WHERE = "Where jobs are done"


@with_options(EvaluationSettings, without=("suite", "dry_run"))
def run(
    settings: EvaluationSettings,
    suite: Annotated[
        str,
        typer.Argument(
            help="A suite card, such as small, paper or photographs, or the path of a TOML file.",
            autocompletion=completing.complete_suite,
        ),
    ],
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--checkpoint",
            help="As for probe (repeatable); default the suite's own models, pretrained first, else the newest run.",
            autocompletion=completing.complete_checkpoint,
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option("--features", help="As for probe (repeatable); default each one's own.", rich_help_panel=o.MODEL),
    ] = None,
    executor: Annotated[
        str,
        typer.Option(
            "--executor",
            help="inline (this process), slurm or ray; see docs/cluster.md.",
            rich_help_panel=WHERE,
        ),
    ] = "inline",
    site: Annotated[
        Path | None,
        typer.Option(
            "--site",
            help="TOML file of what your site asks of its jobs: partition, account, needs.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when the jobs are submitted (slurm).", rich_help_panel=WHERE)
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Only show where each job stands.", rich_help_panel=WHERE)
    ] = False,
    job: Annotated[
        str,
        typer.Option("--job", help="Do this one job of --status here.", rich_help_panel=WHERE),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the jobs.", rich_help_panel=WHERE)] = False,
    as_json: o.Json = False,
) -> None:
    """Run a suite: pretrain the models that it names and measure them, or measure existing checkpoints.

    Stored rows are kept, and a job that fails does not stop the others.
    """
    from loocbench.cards.suites import load_suite
    from loocbench.cli.console import Display
    from loocbench.errors import UserError

    chosen = {"--dry-run": dry_run, "--status": status, "--detach": detach, "--job": bool(job)}
    if sum(chosen.values()) > 1:
        raise UserError(f"{' and '.join(name for name, given in chosen.items() if given)} exclude each other.")
    card = load_suite(suite)
    if job:
        from loocbench.jobs import suite_worker

        with Display() as display:
            found = suite_settings(settings, card)
            suite_worker.do_job(card, job, found, display, references=checkpoint or [], features=features or [])
        return
    run_suite(
        card,
        settings,
        checkpoints=checkpoint or [],
        features=features or [],
        executor=executor,
        site=site,
        detach=detach,
        look="plan" if dry_run else "status" if status else "",
        as_json=as_json,
        named=suite,
    )


def suite_settings(settings: EvaluationSettings, card: SuiteCard) -> EvaluationSettings:
    """Return the settings of a command with the suite's name."""
    from dataclasses import replace

    return replace(settings, suite=card.suite)


def run_suite(
    card: SuiteCard,
    settings: EvaluationSettings,
    *,
    checkpoints: Sequence[str] = (),
    features: Sequence[str] = (),
    executor: str = "inline",
    site: Path | None = None,
    detach: bool = False,
    look: str = "",
    as_json: bool = False,
    named: str = "",
) -> None:
    """Plan a suite, do the missing jobs, and show its table. Raises UserError for rows that could not be measured.

    look: "plan" or "status", to show that alone. named: how the command named the suite, if not by its name.
    """
    from loocbench.checkpoints import listing
    from loocbench.cli import report, showing_jobs
    from loocbench.cli.console import Display
    from loocbench.errors import UserError
    from loocbench.executors.site import read_site
    from loocbench.jobs import suite, suite_command, suite_jobs, suite_plan, suite_summary
    from loocbench.jobs.expected_minutes import read_rates
    from loocbench.jobs.session import Session

    settings = suite_settings(settings, card)
    if card.models and features and not checkpoints:
        raise UserError(f"suite {card.suite} names its models' features; --features needs a --checkpoint.")
    if settings.overwrite and executor != "inline":
        raise UserError(
            "--overwrite goes with --executor inline alone: a job that is continued would begin again. Remove what is "
            "to be done again, or name other --runs and --results."
        )
    asked = read_site(site)
    references = checkpoints or ([] if card.models else [str(listing.find_newest(settings.runs))])
    with Display() as display:
        session = Session(settings, display)

        def plan() -> tuple[list[PlannedModel], list[SuiteJob]]:
            models = suite_plan.plan_suite(card, session, settings, references=references, features=features)
            rates = read_rates(settings.runs, settings.results, session.count_training_images) if look else None
            gpus = int(session.device.startswith("cuda"))
            jobs = suite_jobs.list_jobs(card, models, site=asked, gpus=gpus, overwrite=settings.overwrite, rates=rates)
            return models, jobs

        models, jobs = plan()
        if look:
            showing_jobs.show(look, models, jobs, suite.open_records(settings), as_json=as_json)
            return
        engine = suite.Engine(
            executor,
            asked,
            detach,
            lambda job: suite_command.job_arguments(
                named or card.suite, job.name, settings, references=references, features=features
            ),
        )
        failed = suite.run_suite(card, jobs, session, settings, engine)
        models, jobs = plan()
        summary = None if detach else suite_summary.summarise_suite(models, session, settings)
    if as_json or detach:
        showing_jobs.show("plan" if as_json else "status", models, jobs, suite.open_records(settings), as_json=as_json)
    elif summary:
        report.show(summary.table, summary.files)
        for picture in summary.pictures:
            print(f"picture: {picture}")
    if failed:
        row, reason = failed[0]
        total = sum(len(model.rows) for model in models)
        logs = "" if executor == "inline" else f" Logs: {suite.open_records(settings).folder}."
        raise UserError(
            f"{len(failed)} of {total} rows could not be measured, the first ({row.task.task}): {reason}{logs}"
        )
