"""Where jobs stand: every state, from what rows, records and a scheduler say."""

import json
import time

import pytest

from loocbench.errors import StoppedError, UserError
from loocbench.executors.job import Job, Needs
from loocbench.executors.records import Failure, JobFailedError, JobRecords
from loocbench.executors.work import UnreachableError
from loocbench.jobs import suite_status
from loocbench.jobs.suite_jobs import SuiteJob


class Scheduler:
    """An engine that still has these jobs."""

    def __init__(self, **states):
        self.states = states

    def list_queued(self, numbers):
        return {number: state for number, state in self.states.items() if number in numbers}


def find_status(jobs, records):
    """Where jobs stand, with a scheduler that has two."""
    return suite_status.find_status(jobs, records, {"slurm": Scheduler(n1="queued", n2="running")})


@pytest.fixture
def records(tmp_path):
    return JobRecords(tmp_path / ".jobs")


def one(name, *after, due=True):
    return SuiteJob(Job(name, name, "kind", Needs(), after), None, (), due)


def state(records, *jobs):
    return [each.state for each in find_status(jobs, records)]


def leave(records, name, error):
    with pytest.raises(type(error)), records.claim(name):
        raise error


def test_done_is_what_is_not_due_whatever_the_records_say(records):
    leave(records, "a", UserError("once"))
    assert state(records, one("a", due=False), one("b", due=False)) == ["done", "done"]


def test_running_failed_stopped_and_to_do(records):
    leave(records, "failed", JobFailedError(Failure("knn", "no"), Failure("linear", "no")))
    leave(records, "stopped", StoppedError("SIGTERM"))
    with records.claim("again"):
        pass
    with records.claim("running"):
        jobs = [one(name) for name in ("failed", "stopped", "again", "running", "new")]
        found = find_status(jobs, records)
    assert [each.state for each in found] == ["failed", "stopped", "to do", "running", "to do"]
    assert found[0].note == "no (and 1 more)"


def test_a_process_that_ended_without_a_word_is_lost_and_holds_back_what_needs_it(records):
    with records.claim("a"):
        pass
    path = records.folder / "a" / "state"
    path.write_text(json.dumps({**json.loads(path.read_text()), "state": "running"}))
    assert state(records, one("a"), one("b", "a"), one("c", "b"), one("d")) == [
        "lost",
        "held back",
        "held back",
        "to do",
    ]


def test_what_a_scheduler_has_is_queued_running_or_waiting(records):
    for name, number in (("a", "n1"), ("b", "n2"), ("c", "n1")):
        records.write_submission(name, "slurm", number)
    found = find_status([one("a"), one("b"), one("c", "a"), one("d", "b")], records)
    assert [(each.state, each.where) for each in found] == [
        ("queued", "slurm n1"),
        ("running", "slurm n2"),
        ("waiting", "slurm n1"),
        ("waiting", ""),
    ]


def test_what_a_scheduler_no_longer_has_and_never_began_is_lost(records):
    records.write_submission("a", "slurm", "gone")
    assert state(records, one("a"), one("b", "a")) == ["lost", "held back"]


def test_a_failure_before_a_newer_submission_is_past(records):
    leave(records, "a", UserError("once"))
    time.sleep(0.01)
    records.write_submission("a", "slurm", "n1")
    assert state(records, one("a")) == ["queued"]
    records.write_submission("a", "slurm", "gone")
    assert state(records, one("a")) == ["lost"]


def test_a_job_that_was_stopped_and_is_queued_again_is_queued(records):
    """As after a time limit."""
    records.write_submission("a", "slurm", "n1")
    time.sleep(0.01)
    leave(records, "a", StoppedError("SIGTERM"))
    assert state(records, one("a"), one("b", "a")) == ["queued", "waiting"]


class Silent:
    """An engine that does not answer."""

    def list_queued(self, numbers):
        raise UnreachableError("Slurm does not answer.")


def test_jobs_of_a_scheduler_that_does_not_answer_are_unknown_not_lost(records):
    for name in ("a", "b", "c", "d"):
        records.write_submission(name, "slurm", name)
    time.sleep(0.01)
    leave(records, "c", UserError("it failed"))
    leave(records, "d", StoppedError("SIGTERM"))  # it may have been requeued
    with records.claim("b"):
        jobs = [one(name) for name in "abcd"] + [one("e", "a"), one("f", "c")]
        found = suite_status.find_status(jobs, records, {"slurm": Silent()})
    assert [each.state for each in found] == ["unknown", "running", "failed", "unknown", "waiting", "held back"]
    assert (found[0].where, found[0].note) == ("slurm a", "Slurm does not answer.")
