"""What a job leaves behind however it ends, and that two processes never do one job at once."""

import json
import multiprocessing
import os
import signal
import time
from contextlib import nullcontext

import pytest

from loocbench.errors import StoppedError, UserError
from loocbench.executors import records as module
from loocbench.executors.records import BusyError, Failure, JobFailedError, JobRecords


@pytest.fixture
def records(tmp_path):
    return JobRecords(tmp_path / "jobs")


def end(records, error=None):
    """Do a job that ends with an error, or well; its record."""
    with pytest.raises(type(error)) if error else nullcontext(), records.claim("train"):
        assert records.read("train").state == "running"
        assert records.is_alive("train", records.read("train"))
        if error:
            raise error
    return records.read("train")


@pytest.mark.parametrize(
    ("error", "state", "failures"),
    [
        (None, "done", ()),
        (UserError("no data"), "failed", (Failure("", "no data"),)),
        (RuntimeError("a bug"), "failed", (Failure("", "RuntimeError: a bug"),)),
        (JobFailedError(Failure("knn", "x"), Failure("linear", "y")), "failed", (("knn", "x"), ("linear", "y"))),
        (StoppedError("stopped by SIGTERM"), "stopped", (Failure("", "stopped by SIGTERM"),)),
        (KeyboardInterrupt(), "stopped", (Failure("", "interrupted"),)),
    ],
)
def test_a_record_says_how_its_job_ended(records, error, state, failures):
    record = end(records, error)
    assert record.state == state
    assert [(one.about, one.reason) for one in record.failures] == [
        tuple(one) if isinstance(one, tuple) else (one.about, one.reason) for one in failures
    ]
    assert record.attempt == 1
    assert record.ended >= record.began
    assert end(records).attempt == 2


def test_a_claimed_job_is_busy_for_others_and_free_afterwards(records):
    with records.claim("train"), pytest.raises(BusyError), records.claim("train"):
        pytest.fail("claimed twice")
    with records.claim("train"), records.claim("other"):
        pass


def _hold(folder, ready):
    with JobRecords(folder).claim("train"):
        ready.set()
        time.sleep(60)


def test_a_killed_process_leaves_its_job_free_and_known_as_not_alive(records):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_hold, args=(records.folder, ready))
    process.start()
    assert ready.wait(30)
    assert records.is_alive("train", records.read("train"))
    with pytest.raises(BusyError), records.claim("train"):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    left = records.read("train")
    assert left.state == "running"
    assert not records.is_alive("train", left)
    assert end(records).attempt == 2


@pytest.mark.parametrize("silent", [False, True])
def test_a_job_on_another_machine_lives_as_long_as_its_file_is_touched(records, silent):
    """As on a shared disk without shared locks."""
    end(records)
    path = records.folder / "train" / "state"
    path.write_text(json.dumps({**json.loads(path.read_text()), "state": "running", "host": "elsewhere"}))
    if silent:
        before = time.time() - module.SILENT - 5
        os.utime(path, (before, before))
    record = records.read("train")
    assert records.is_alive("train", record) is not silent
    if silent:
        assert end(records).state == "done"
    else:
        with pytest.raises(BusyError), records.claim("train"):
            pass


def test_a_running_job_shows_signs_of_life(records, monkeypatch):
    monkeypatch.setattr(module, "BEAT", 0.01)
    with records.claim("train"):
        path = records.folder / "train" / "state"
        os.utime(path, (1, 1))
        until = time.monotonic() + 20
        while path.stat().st_mtime < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert path.stat().st_mtime > 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "running"}', '{"state": 1, "other": 2}'])
def test_a_damaged_record_is_none(records, text):
    end(records)
    for name in ("state", "submitted"):
        (records.folder / "train" / name).write_text(text)
    assert records.read("train") is None
    assert records.read_submission("train") is None
    assert end(records).state == "done"


def test_submissions_are_noted(records):
    assert records.read_submission("train") is None
    records.write_submission("train", "slurm", "12_3")
    found = records.read_submission("train")
    assert (found.engine, found.number) == ("slurm", "12_3")
    assert time.time() - found.time < 60


def test_control_characters_of_an_error_do_not_reach_the_terminal(records):
    assert end(records, UserError("a\x1b[31mb")).failures[0].reason == "a�[31mb"


def test_a_job_that_failed_in_parts_says_so():
    assert str(JobFailedError(Failure("knn", "no"), Failure("linear", "no"))) == "knn: no (and 1 more)"
    assert str(JobFailedError(Failure("", "no"))) == "no"
