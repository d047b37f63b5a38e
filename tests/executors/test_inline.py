"""Jobs in this process: in order, what fails takes only what needs it, and two processes share a suite.

Covers ``loocbench.executors``, ``loocbench.executors.work``.
"""

import threading
import time

import pytest

from loocbench.errors import StoppedError, UserError
from loocbench.executors import EXECUTORS, get_executor, inline
from loocbench.executors.job import Job, Needs
from loocbench.executors.records import JobRecords
from loocbench.executors.site import Site
from loocbench.executors.work import Work
from tests.conftest import Silent


def job(name, *after):
    return Job(name, name, "kind", Needs(), after)


JOBS = [job("train"), job("measure", "train"), job("report", "measure"), job("other")]


def work(tmp_path, do, jobs=JOBS):
    return Work(jobs, do, lambda job: [], JobRecords(tmp_path / "jobs"), Site(), Silent())


def states(tmp_path, jobs=JOBS):
    found = [JobRecords(tmp_path / "jobs").read(one.name) for one in jobs]
    return [one.state if one else None for one in found]


def test_all_are_done_in_order(tmp_path):
    done = []
    inline.INLINE.execute(work(tmp_path, lambda one: done.append(one.name)), detach=False)
    assert done == ["train", "measure", "report", "other"]
    assert states(tmp_path) == ["done"] * 4


@pytest.mark.parametrize("error", [UserError("no"), RuntimeError("a bug")])
def test_a_failure_takes_what_needs_it_and_no_other(tmp_path, error):
    done = []

    def do(one):
        if one.name == "train":
            raise error
        done.append(one.name)

    inline.INLINE.execute(work(tmp_path, do), detach=False)
    assert done == ["other"]
    assert states(tmp_path) == ["failed", None, None, "done"]


@pytest.mark.parametrize("error", [StoppedError("SIGTERM"), KeyboardInterrupt()])
def test_an_interruption_ends_everything(tmp_path, error):
    def do(one):
        raise error

    with pytest.raises(type(error)):
        inline.INLINE.execute(work(tmp_path, do), detach=False)
    assert states(tmp_path) == ["stopped", None, None, None]


def test_two_processes_do_no_job_twice_and_wait_for_each_other(tmp_path, monkeypatch):
    """Each runs the same jobs; what a job would do twice is for the store of rows to know, so it is counted by time."""
    monkeypatch.setattr(inline, "_WAIT", 0.01)
    lock, running, together, order = threading.Lock(), set(), [], []

    def do(one):
        with lock:
            if one.name in running:
                together.append(one.name)
            running.add(one.name)
        time.sleep(0.05)
        with lock:
            order.append(one.name)
            running.remove(one.name)

    threads = [
        threading.Thread(target=lambda: inline.INLINE.execute(work(tmp_path, do), detach=False)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == []
    assert states(tmp_path) == ["done"] * 4
    assert order.index("train") < order.index("measure") < order.index("report")


def test_it_cannot_detach(tmp_path):
    with pytest.raises(UserError, match="--executor slurm"):
        inline.INLINE.execute(work(tmp_path, lambda one: None), detach=True)


def test_the_executors_that_there_are():
    assert list(EXECUTORS) == ["inline", "slurm", "ray"]
    assert get_executor("inline").list_queued(["1"]) == {}
    with pytest.raises(UserError, match=r"unknown executor 'slurn'.*Did you mean 'slurm'"):
        get_executor("slurn")


def test_what_another_process_has_done_since_is_not_done_again(tmp_path):
    """Else its record would say "running" again for a moment, in which the other process may end and read it."""
    records, done = JobRecords(tmp_path / "jobs"), []
    with records.claim("report"):
        pass  # before: done again, since it is asked for

    def do(one):
        done.append(one.name)
        if one.name == "train":
            with records.claim("other"):
                pass

    inline.INLINE.execute(work(tmp_path, do), detach=False)
    assert done == ["train", "measure", "report"]
    assert states(tmp_path) == ["done"] * 4
