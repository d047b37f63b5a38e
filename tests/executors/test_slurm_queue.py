"""Slurm's commands, played by scripts: what they print is understood, and silence is not an empty queue."""

import os

import pytest

from loocbench.errors import UserError
from loocbench.executors import slurm_queue
from loocbench.executors.site import SlurmSite
from loocbench.executors.work import UnreachableError

DOWN = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"


@pytest.fixture
def play(tmp_path, monkeypatch):
    """Make a command: it prints this, or fails with that, or does what a shell script says."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm_queue, "PAUSE", 0.01)

    def make(name, printed="", error="", script=""):
        path = tmp_path / name
        failing = f"echo '{error}' >&2\nexit 1" if error else ""
        path.write_text(f"#!/bin/sh\necho \"$@\" >>{tmp_path}/{name}.asked\n{script}\nprintf '{printed}'\n{failing}\n")
        path.chmod(0o755)
        return tmp_path / f"{name}.asked"

    return make


def test_the_queue_is_asked_once_for_all_jobs(play):
    asked = play("squeue", r"12_0|RUNNING\n12_1|PENDING\n12_7|RUNNING\n9|COMPLETING\n8|REQUEUE_HOLD\n")
    found = slurm_queue.list_queued(["12_0", "12_1", "12_2", "9", "8"])
    assert found == {"12_0": "running", "12_1": "queued", "9": "running", "8": "queued"}
    assert asked.read_text() == "--noheader --array --format=%i|%T --jobs=12,8,9\n"
    assert slurm_queue.list_queued([]) == {}
    assert len(asked.read_text().splitlines()) == 1


def test_a_single_job_that_is_long_gone_is_not_in_the_queue(play):
    play("squeue", error="slurm_load_jobs error: Invalid job id specified")
    assert slurm_queue.list_queued(["12"]) == {}


@pytest.mark.parametrize("message", [DOWN, "squeue: error: something new"])
def test_that_nothing_could_be_asked_is_told_apart_from_an_empty_queue(play, message):
    play("squeue", error=message)
    with pytest.raises(UnreachableError):
        slurm_queue.list_queued(["12"])


def test_without_the_command_the_queue_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreachableError, match="squeue is not there"):
        slurm_queue.list_queued(["12"])


def test_a_controller_that_is_away_for_a_moment_is_waited_for(play, tmp_path):
    fails_once = f'[ -e {tmp_path}/up ] || {{ touch {tmp_path}/up; echo "{DOWN}" >&2; exit 1; }}'
    play("squeue", "12|RUNNING", script=fails_once)
    assert slurm_queue.list_states(["12"], patience=10) == {"12": "RUNNING"}


def test_a_refusal_is_one_line_and_not_tried_again(play):
    asked = play("scancel", error="scancel: error: no such thing.\nscancel: fatal: it ends here")
    with pytest.raises(UserError, match=r"^scancel: no such thing; it ends here\.$"):
        slurm_queue.cancel(["5", "4_1"], patience=10)
    assert asked.read_text() == "4_1 5\n"


LIMITS = r"main*|1:00:00|2-00:00:00\nlong|n/a|7-12:30:00\nfree|infinite|infinite\nquick|10:00|30:00\n"


@pytest.mark.parametrize(
    ("partition", "minutes"), [(None, 60), ("long", 10830), ("free", 0), ("quick", 10), ("long,main", 60)]
)
def test_a_partitions_time_limit_is_its_default_else_its_longest(play, partition, minutes):
    play("sinfo", LIMITS)
    assert slurm_queue.default_minutes(SlurmSite(partition=partition)) == minutes


def test_an_unknown_partition_is_refused_with_those_that_there_are(play):
    play("sinfo", LIMITS)
    with pytest.raises(UserError, match=r"no partition 'gpu'\. Available: main, long, free, quick"):
        slurm_queue.default_minutes(SlurmSite(partition="gpu"))
    play("sinfo", r"a|1:00|1:00\n")
    with pytest.raises(UserError, match="no default partition; name one in the site's file: a"):
        slurm_queue.default_minutes(SlurmSite())
