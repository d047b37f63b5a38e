"""Where each job of a suite stands, told from rows and checkpoints, the jobs' records, and the schedulers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from loocbench.executors import EXECUTORS
from loocbench.executors.records import JobRecords, Record, Submission
from loocbench.executors.work import Executor, UnreachableError
from loocbench.jobs.suite_jobs import SuiteJob

State = Literal["done", "running", "queued", "waiting", "unknown", "to do", "failed", "stopped", "lost", "held back"]
STATES: tuple[State, ...] = (
    "done",
    "running",
    "queued",
    "waiting",
    "unknown",
    "to do",
    "failed",
    "stopped",
    "lost",
    "held back",
)


@dataclass(frozen=True)
class JobStatus:
    """Where a job stands.

    state: "waiting" for a job that it needs, "lost" if its process ended without a word (killed, cancelled, out of
    time, a machine that failed), "held back" if a job that it needs did not end well, "unknown" if it was submitted to
    a scheduler that does not answer. since: of the state, UTC; empty if unknown. where: its machine or its number at
    the scheduler. note: why it failed.
    """

    one: SuiteJob
    state: State
    since: str = ""
    where: str = ""
    note: str = ""


def find_status(
    jobs: Sequence[SuiteJob], records: JobRecords, executors: Mapping[str, Executor] = EXECUTORS
) -> list[JobStatus]:
    """Return where each job stands. jobs: in order. executors: by the names that submissions give."""
    submitted = {one.job.name: records.read_submission(one.job.name) for one in jobs if one.due}
    queued, silent = _list_queued([each for each in submitted.values() if each], executors)
    found: dict[str, JobStatus] = {}
    for one in jobs:
        record = records.read(one.job.name)
        if not one.due:
            found[one.job.name] = JobStatus(one, "done", record.ended if record else "", record.host if record else "")
            continue
        status = _find_one(one, record, submitted[one.job.name], queued, silent, records)
        states = {found[name].state for name in one.job.after}
        if status.state in ("to do", "queued", "lost", "unknown") and states & {
            "failed",
            "lost",
            "held back",
            "stopped",
        }:
            status = JobStatus(one, "held back", note=f"needs {one.job.after[0]}")
        elif status.state in ("to do", "queued") and states - {"done"}:
            status = JobStatus(one, "waiting", where=status.where)
        found[one.job.name] = status
    return list(found.values())


def _find_one(
    one: SuiteJob,
    record: Record | None,
    submission: Submission | None,
    queued: Mapping[tuple[str, str], str],
    silent: Mapping[str, str],
    records: JobRecords,
) -> JobStatus:
    """Return where a job stands that is not done, whatever it needs."""
    if record and record.state == "running" and records.is_alive(one.job.name, record):
        return JobStatus(one, "running", record.began, record.host)
    where = f"{submission.engine} {submission.number}" if submission else ""
    if submission and (state := queued.get((submission.engine, submission.number))):
        return JobStatus(one, "running" if state == "running" else "queued", where=where)
    begun = record is not None and submission is not None and record.time >= submission.time
    if submission and submission.engine in silent and not (begun and record and record.state == "failed"):
        return JobStatus(one, "unknown", where=where, note=silent[submission.engine])
    if submission and not begun:
        return JobStatus(one, "lost", where=where, note=f"{where} ended without having begun; see the log")
    if record is None:
        return JobStatus(one, "to do")
    if record.state == "failed":
        more = f" (and {len(record.failures) - 1} more)" if len(record.failures) > 1 else ""
        reason = f"{record.failures[0].reason}{more}" if record.failures else ""
        return JobStatus(one, "failed", record.ended, record.host, reason)
    if record.state == "stopped":
        return JobStatus(one, "stopped", record.ended, record.host)
    if record.state == "running":
        return JobStatus(one, "lost", record.began, record.host, "its process ended without a word")
    return JobStatus(one, "to do")  # done once, but what it made was removed


def _list_queued(
    submissions: Sequence[Submission], executors: Mapping[str, Executor]
) -> tuple[dict[tuple[str, str], str], dict[str, str]]:
    """Return the state of each submitted job that a scheduler still has, by scheduler and number; and what is wrong
    with the schedulers that do not answer."""
    numbers = defaultdict(list)
    for submission in submissions:
        numbers[submission.engine].append(submission.number)
    queued = {}
    silent = {}
    for engine, of_engine in numbers.items():
        try:
            states = executors[engine].list_queued(of_engine) if engine in executors else {}
        except UnreachableError as error:
            silent[engine] = str(error)
        else:
            queued.update({(engine, number): state for number, state in states.items()})
    return queued, silent
