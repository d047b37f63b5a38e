"""Running a suite: plan, hand its jobs to an executor, and say which rows could not be measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from filelock import Timeout

from loocbench import files
from loocbench.cards.suites import SuiteCard
from loocbench.checkpoints import kept_epochs
from loocbench.errors import StoppedError, UserError
from loocbench.executors import get_executor
from loocbench.executors.graph import begin_first
from loocbench.executors.job import Job
from loocbench.executors.records import JobRecords
from loocbench.executors.site import Site
from loocbench.executors.work import Work
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.jobs.suite_jobs import SuiteJob, is_due
from loocbench.jobs.suite_plan import PlannedModel, PlannedRow
from loocbench.jobs.suite_work import Doer, count_parts, how_to_go_on
from loocbench.progress import Reporter
from loocbench.runs.writing import RunWriter


def open_records(settings: EvaluationSettings) -> JobRecords:
    """Return the records of a suite's jobs, which lie beside its rows."""
    return JobRecords(settings.results / settings.suite / ".jobs")


@dataclass(frozen=True)
class Engine:
    """Where jobs are done. detach: whether to return before they are. command: the arguments that do a job in a process
    of its own."""

    name: str = "inline"
    site: Site = field(default_factory=Site)
    detach: bool = False
    command: Callable[[Job], Sequence[str]] = lambda job: ()


def run_suite(
    card: SuiteCard,
    jobs: Sequence[SuiteJob],
    session: Session,
    settings: EvaluationSettings,
    engine: Engine | None = None,
) -> list[tuple[PlannedRow, str]]:
    """Pretrain and measure what is missing; finished runs of the same recipe and measured rows are kept.

    A job that fails takes with it those that need it, and no other. But if something must be pretrained, rows that
    cannot be measured afterwards raise UserError before any work. Returns the rows that could not be measured, with the
    reasons. Raises StoppedError when interrupted, saying how to go on.
    """
    engine = engine or Engine()
    files.require_writable(settings.results / settings.suite)
    if any(one.model.state == "to train" for one in jobs):
        _require_feasible(jobs, settings)
    if engine.name != "inline":
        _require_groups(jobs, card.suite)
    for one in jobs:
        if not one.rows and not one.due:
            session.reporter.info(
                f"{one.model.name}: kept, trained before with the same recipe on the same images (--overwrite trains "
                "again)"
            )
            _keep_last_epoch(one.model, settings, session.reporter)
    executor = get_executor(engine.name)
    due = {one.job.name: one for one in jobs if one.due}
    doer = Doer(card, session, settings, total=sum(count_parts(one, settings) for one in due.values()))
    ordered = [one.job for one in due.values()]
    records = open_records(settings)
    work = Work(
        jobs=ordered if engine.name == "inline" else begin_first(ordered),
        do=lambda job: doer.do(due[job.name]),
        command=engine.command,
        records=records,
        site=engine.site,
        reporter=session.reporter,
    )
    try:
        if due:
            executor.execute(work, detach=engine.detach)
    except KeyboardInterrupt as error:
        raise StoppedError(f"interrupted; what is finished is kept. {how_to_go_on(settings)}") from error
    return [] if engine.detach else _find_failures(jobs, records, settings)


def _keep_last_epoch(model: PlannedModel, settings: EvaluationSettings, reporter: Reporter) -> None:
    """Keep the last epoch of a trained model where its card asks for it since, and say which others are missing."""
    if not model.keep_epochs:
        return
    folder = RunWriter(settings.runs / model.name)
    with suppress(Timeout, OSError), folder.lock:  # another process writes it, or nobody may
        folder.keep_last_epoch(model.keep_epochs)
    done = model.recipe.epochs if model.recipe else 0
    if text := kept_epochs.describe_lost(folder.path, model.keep_epochs, done, "--overwrite trains again"):
        reporter.info(text)


def _require_groups(jobs: Sequence[SuiteJob], suite: str) -> None:
    """Raise UserError where several processes would pretrain a model whose batch-norm groups they cannot share."""
    for one in jobs:
        processes, recipe = one.job.needs.processes, one.model.recipe
        if one.due and not one.rows and recipe and recipe.groups % processes:
            raise UserError(
                f"{one.job.title}: {processes} processes need batch-norm groups that they can share; set groups = "
                f"{processes}, or a multiple, in [budget] of the suite {suite}."
            )


def _find_failures(
    jobs: Sequence[SuiteJob], records: JobRecords, settings: EvaluationSettings
) -> list[tuple[PlannedRow, str]]:
    """Return the rows that could not be measured, with the reasons: their own, or their job's, or its checkpoint's."""
    found = []
    broken: dict[str, str] = {}  # a pretraining that failed -> what the rows that need it are told
    for one in jobs:
        reasons: dict[str, str] = {}
        record = records.read(one.job.name) if one.due else None
        whole = next((broken[name] for name in one.job.after if name in broken), "")
        if one.due and not whole and (record is None or record.state != "done"):
            whole = f"{one.job.title} ended without a result; its log is {records.log(one.job.name)}"
            if record and record.failures:
                reasons = {failure.about: failure.reason for failure in record.failures}
                whole = reasons.pop("", "")
        if whole and not one.rows:
            broken[one.job.name] = f"{one.model.name} was not pretrained: {whole}"
        for row in one.rows:
            reason = reasons.get(f"{row.task.task}, features {row.features}", whole)
            if not is_due(row, overwrite=settings.overwrite):
                reason = "" if row.state == "kept" else row.note
            if reason:
                found.append((row, reason))
    return found


def _require_feasible(jobs: Sequence[SuiteJob], settings: EvaluationSettings) -> None:
    """Raise UserError for the first row that cannot be measured: before hours of pretraining, not after."""
    for row in (row for one in jobs for row in one.rows):
        if row.state == "impossible":
            raise UserError(f"{row.task.task}: {row.note}")
        if row.state == "blocked" and not settings.overwrite:
            raise UserError(f"{row.note}; delete that file, or name other --results.")
