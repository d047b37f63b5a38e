"""Doing a suite's jobs in this process: pretrain a model, or measure rows of one checkpoint."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from loocbench.cards.suites import SuiteCard
from loocbench.checkpoints import card_file, native
from loocbench.checkpoints.native import Checkpoint
from loocbench.errors import StoppedError, UserError
from loocbench.executors.records import Failure, JobFailedError
from loocbench.jobs import select
from loocbench.jobs.evaluation import load_or_measure
from loocbench.jobs.measurement import Measurement
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.jobs.suite_jobs import SuiteJob, is_due
from loocbench.jobs.suite_plan import PlannedModel, PlannedRow, draw_untrained
from loocbench.plugins.reading import explain_failure
from loocbench.progress import report_traceback
from loocbench.ranks import Ranks
from loocbench.runs.settings import RunSettings
from loocbench.runs.train import train_recipe
from loocbench.types import SELECTED


def count_parts(one: SuiteJob, settings: EvaluationSettings) -> int:
    """Return how many parts a job is told in: a pretraining, or rows."""
    return 1 if not one.rows else sum(is_due(row, overwrite=settings.overwrite) for row in one.rows)


@dataclass
class Doer:
    """Does a suite's jobs in this process, telling the user of each part, of which there are ``total``."""

    card: SuiteCard
    session: Session
    settings: EvaluationSettings
    total: int
    ranks: Ranks = field(default_factory=Ranks)
    done: int = 0

    def do(self, one: SuiteJob) -> None:
        """Do a job. Raises JobFailedError naming the parts that could not be done, StoppedError when interrupted."""
        if one.rows:
            self._measure_rows(one)
        else:
            self._say(f"pretrain {one.model.name}")
            self._attempt("", lambda: self.pretrain(one.model))

    def pretrain(self, model: PlannedModel) -> Path:
        """Pretrain a model, or finish its run. Returns the checkpoint's path. Raises UserError."""
        if model.recipe is None:
            raise UserError(f"{model.name} has no recipe.")
        return train_recipe(
            model.recipe,
            self.session.open_dataset(self.card.pretrain_on),
            name=model.name,
            runs=self.settings.runs,
            cache=self.session.cache,
            device=self.session.device,
            existing="overwrite" if self.settings.overwrite else "resume-or-overwrite",
            reporter=self.session.reporter,
            settings=RunSettings(keep_epochs=model.keep_epochs, resume_hint=how_to_go_on(self.settings)),
            ranks=self.ranks,
        )

    def _measure_rows(self, one: SuiteJob) -> None:
        found: list[Checkpoint] = []
        self._attempt("", lambda: found.append(find_checkpoint(one.model, self.session, self.settings)))
        (checkpoint,) = found
        failures: list[Failure] = []
        for row in one.rows:
            if not is_due(row, overwrite=self.settings.overwrite):
                continue
            about = f"{row.task.task}, features {row.features}"
            self._say(f"{row.task.task}: {one.model.label}, features {row.features}")
            try:
                self._attempt(about, lambda row=row: self._measure(row, checkpoint))  # type: ignore[misc]
            except JobFailedError as error:
                failures += error.failures
        if failures:
            raise JobFailedError(*failures)

    def _measure(self, row: PlannedRow, checkpoint: Checkpoint) -> None:
        measurement = open_row(row, checkpoint, self.session)
        if row.features == SELECTED:
            select.load_or_select(measurement, self.settings)
        else:
            load_or_measure(measurement, self.settings)

    def _attempt(self, about: str, work: Callable[[], object]) -> None:
        """Work, and turn what fails into a JobFailedError that has been told to the user."""
        try:
            work()
        except StoppedError:
            raise
        except UserError as error:
            self.session.reporter.info(f"failed, going on: {error}")
            report_traceback(self.session.reporter, error)
            raise JobFailedError(Failure(about, str(error))) from error
        except Exception as error:  # of a plug-in, a bug, or out of memory: it must not cost the other jobs
            if told := explain_failure(error):
                self.session.reporter.info(f"failed, going on: {told}; mend it (-v shows all of the error)")
                report_traceback(self.session.reporter, error)
                raise JobFailedError(Failure(about, told)) from error
            self.session.reporter.info(f"failed, going on; please report this:\n{traceback.format_exc().rstrip()}")
            raise JobFailedError(Failure(about, f"{type(error).__name__}: {error}")) from error

    def _say(self, what: str) -> None:
        self.done += 1
        self.session.reporter.info(f"[{self.done}/{self.total}] {what}")


def open_row(row: PlannedRow, checkpoint: Checkpoint, session: Session) -> Measurement:
    """Open the task of a row on the checkpoint's features. Raises UserError."""
    return session.open_task(row.task, checkpoint, None if row.features == SELECTED else row.features)


def find_checkpoint(model: PlannedModel, session: Session, settings: EvaluationSettings) -> Checkpoint:
    """Return a model's checkpoint: an existing one, an untrained one, or that of its finished run. Raises UserError."""
    if model.recipe is None:
        return session.load_checkpoint(model.reference)
    if model.state == "untrained":
        return draw_untrained(model.recipe)
    return native.load(settings.runs / model.name / card_file.FILE)


def how_to_go_on(settings: EvaluationSettings) -> str:
    """Return the advice after an interruption; a second --overwrite would repeat finished work."""
    without = " without --overwrite" if settings.overwrite else ""
    shown = f"'loocbench report --suite {settings.suite}' shows what is measured"
    return f"Run the same command{without} to go on; {shown}."
