"""One job of a suite in this process: what executors start on other machines."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import FrameType

from loocbench import ranks
from loocbench.cards.suites import SuiteCard
from loocbench.devices import resolve_device
from loocbench.errors import StoppedError, UserError
from loocbench.executors.records import BusyError
from loocbench.executors.site import Site
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.jobs.suite import open_records
from loocbench.jobs.suite_jobs import find_job, list_jobs
from loocbench.jobs.suite_plan import plan_suite
from loocbench.jobs.suite_work import Doer, count_parts
from loocbench.progress import Reporter, Silent


def do_job(
    card: SuiteCard,
    name: str,
    settings: EvaluationSettings,
    reporter: Reporter,
    *,
    references: Sequence[str] = (),
    features: Sequence[str] = (),
) -> None:
    """Do the job called ``name``, unless it is done, or another process does it.

    Processes that torchrun started train together. Raises UserError for an unknown job, one whose checkpoint is not
    there yet, and one that failed; StoppedError when it was asked to stop.
    """
    with ranks.from_torchrun(resolve_device(settings.device)) as (processes, device):
        session = Session(replace(settings, device=device), reporter if processes.first else Silent())
        models = plan_suite(card, session, settings, references=references, features=features, job=name)
        jobs = list_jobs(card, models, site=Site(), gpus=0, overwrite=False)
        one = find_job(jobs, name, card.suite)
        if not one.due:
            session.reporter.info(f"{name} is done")
            return
        if one.job.after:
            raise UserError(f"{one.model.name} is not pretrained yet; do {one.job.after[0]} first.")
        doer = Doer(card, session, settings, total=count_parts(one, settings), ranks=processes)
        with _stop_on_sigterm(), ExitStack() as claimed:

            def claim() -> bool:
                try:
                    claimed.enter_context(open_records(settings).claim(name))
                except BusyError:
                    session.reporter.info(f"another process does {name}")
                    return False
                return True

            if processes.broadcast_from_main(claim):
                doer.do(one)


@contextmanager
def _stop_on_sigterm() -> Iterator[None]:
    """Context in which SIGTERM raises StoppedError, so that the job's record says so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one must not interrupt the writing of the record
        raise StoppedError("stopped by SIGTERM; what is finished is kept. Run the same command to go on.")

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
