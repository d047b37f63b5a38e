"""Running a suite: pretrain the models that it names, measure missing rows, draw galleries and the table."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loocbench import files
from loocbench.cards.suites import SuiteCard
from loocbench.checkpoints import native
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import UserError
from loocbench.jobs import gallery, report, select
from loocbench.jobs.evaluation import load_or_measure
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.jobs.suite_plan import Job, PlannedModel, draw_untrained
from loocbench.progress import Reporter
from loocbench.records import store
from loocbench.report.table.table import Table, build_table
from loocbench.runs.settings import RunSettings
from loocbench.runs.train import train_recipe
from loocbench.types import SELECTED


@dataclass
class SuiteResult:
    """failed: jobs that could not be done, with the reason. pictured: opened tasks to draw galleries of, by task."""

    failed: list[tuple[Job, str]] = field(default_factory=list)
    pictured: dict[str, list[Measurement]] = field(default_factory=dict)


def run_suite(
    card: SuiteCard, models: Sequence[PlannedModel], session: Session, settings: EvaluationSettings
) -> SuiteResult:
    """Pretrain and measure what is missing; finished runs of the same recipe and measured rows are kept.

    A job that fails does not stop the others. But if something must be pretrained, jobs that cannot be done afterwards
    raise UserError before any work. Raises UserError when interrupted, saying how to go on.
    """
    files.require_writable(settings.results / settings.suite)
    if any(model.state == "to train" for model in models):
        _require_feasible(models, settings)
    try:
        return _run(card, models, session, settings)
    except KeyboardInterrupt as error:
        raise UserError(f"interrupted; what is finished is kept. {_how_to_go_on(settings)}") from error


@dataclass(frozen=True)
class SuiteSummary:
    """The table of all rows of a suite, the files that it was written to, and the drawn galleries."""

    table: Table
    files: list[Path]
    pictures: list[Path]


def summarise_suite(result: SuiteResult, settings: EvaluationSettings, reporter: Reporter) -> SuiteSummary | None:
    """Write the table of a suite's rows and draw its galleries; None if no row is stored."""
    if not any(store.read_rows(settings.results, settings.suite)):
        return None
    rows = store.read_suite(settings.results, settings.suite, reporter)
    built = build_table(rows)
    written = report.write_suite_files(built, rows, settings.results / settings.suite, settings.suite, pivot=False)
    pictures = [
        gallery.draw_neighbours(measurements, store.gallery_path(settings.results, settings.suite, task, settings.seed))
        for task, measurements in result.pictured.items()
    ]
    return SuiteSummary(built, written, pictures)


def _run(
    card: SuiteCard, models: Sequence[PlannedModel], session: Session, settings: EvaluationSettings
) -> SuiteResult:
    result = SuiteResult()
    reporter, done = session.reporter, 0
    total = sum(model.state == "to train" for model in models) + sum(
        _is_due(job, settings) for model in models for job in model.jobs
    )
    for model in models:
        done += model.state == "to train"
        if model.state == "to train":
            reporter.info(f"[{done}/{total}] pretrain {model.name}")
        checkpoint = _obtain(card, model, session, settings)
        for job in model.jobs:
            due = _is_due(job, settings)
            if not due and job.state != "kept":
                result.failed.append((job, job.note))
                continue
            pictured = model.pictured and job.task.task_kind.draws_gallery and job.features == model.features[0]
            if not due and not pictured:
                continue
            if due:
                done += 1
                reporter.info(f"[{done}/{total}] {job.task.task}: {model.label}, features {job.features}")
            try:
                measurement = _measure(job, checkpoint, session, settings)
            except UserError as error:
                reporter.info(f"failed, going on: {error}")
                result.failed.append((job, str(error)))
                continue
            except Exception as error:  # a bug, or out of memory: it must not cost the other jobs
                reporter.info(f"failed, going on; please report this:\n{traceback.format_exc().rstrip()}")
                result.failed.append((job, f"{type(error).__name__}: {error}"))
                continue
            if pictured:
                result.pictured.setdefault(job.task.task, []).append(measurement)
    return result


def _is_due(job: Job, settings: EvaluationSettings) -> bool:
    """Whether a job is to be measured now."""
    return job.state == "to do" or (settings.overwrite and job.state in ("kept", "blocked"))


def _measure(job: Job, checkpoint: Checkpoint, session: Session, settings: EvaluationSettings) -> Measurement:
    """Open a job's task, and measure it unless its row is stored."""
    measurement = session.open_task(job.task, checkpoint, None if job.features == SELECTED else job.features)
    if _is_due(job, settings):
        if job.features == SELECTED:
            select.load_or_select(measurement, settings)
        else:
            load_or_measure(measurement, settings)
    return measurement


def _obtain(card: SuiteCard, model: PlannedModel, session: Session, settings: EvaluationSettings) -> Checkpoint:
    """Return a model's checkpoint: an existing one, an untrained one, a finished run, or one pretrained now."""
    if model.recipe is None:
        return session.load_checkpoint(model.reference)
    if model.state == "untrained":
        return draw_untrained(model.recipe)
    if model.state == "trained" and not settings.overwrite:
        session.reporter.info(
            f"{model.name}: kept, trained before with the same recipe on the same images (--overwrite trains again)"
        )
        return native.load(settings.runs / model.name / native.FILE)
    path = train_recipe(
        model.recipe,
        session.open_dataset(card.pretrain_on),
        name=model.name,
        runs=settings.runs,
        cache=session.cache,
        device=session.device,
        existing="overwrite" if settings.overwrite else "resume-or-overwrite",
        reporter=session.reporter,
        settings=RunSettings(resume_hint=_how_to_go_on(settings)),
    )
    return native.load(path)


def _require_feasible(models: Sequence[PlannedModel], settings: EvaluationSettings) -> None:
    """Raise UserError for the first job that cannot be done: before hours of pretraining, not after."""
    for job in _jobs(models):
        if job.state == "impossible":
            raise UserError(f"{job.task.task}: {job.note}")
        if job.state == "blocked" and not settings.overwrite:
            raise UserError(f"{job.note}; delete that file, or name other --results.")


def _jobs(models: Sequence[PlannedModel]) -> Iterator[Job]:
    return (job for model in models for job in model.jobs)


def _how_to_go_on(settings: EvaluationSettings) -> str:
    """Return the advice after an interruption; a second --overwrite would repeat finished work."""
    without = " without --overwrite" if settings.overwrite else ""
    shown = f"'loocbench report --suite {settings.suite}' shows what is measured"
    return f"Run the same command{without} to go on; {shown}."
