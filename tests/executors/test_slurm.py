"""Jobs on a real Slurm of this machine: nothing is lost and nothing done twice, whatever happens to jobs, to their
processes, to the controller and to the disk; and a suite has the rows that it has in one process.

Covers ``loocbench.executors.slurm``.
"""

import json
import os
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from loocbench.checkpoints import card_file
from loocbench.data import blooms
from loocbench.errors import StoppedError, UserError
from loocbench.executors import get_executor, slurm, slurm_queue
from loocbench.executors.job import Job, Needs
from loocbench.executors.records import JobRecords
from loocbench.executors.site import Site
from loocbench.executors.work import UnreachableError, Work
from loocbench.jobs.suite_jobs import SuiteJob
from loocbench.jobs.suite_status import find_status
from loocbench.records import store
from tests.cli.conftest import run_command
from tests.conftest import TINY
from tests.executors.slurm_cluster import running_cluster, why_not
from tests.executors.small_job import DONE, read_steps

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("slurm")]
CHECKOUT = Path(__file__).parents[2]
SMALL = Needs(cores=1, memory_gib=0.5)


@pytest.fixture(scope="session")
def one_cluster():
    """A Slurm of one node, or a skip that says why there is none."""
    if reason := why_not():
        pytest.skip(reason)
    try:
        with running_cluster() as cluster:
            yield cluster
    except RuntimeError as error:
        pytest.skip(str(error))


@pytest.fixture
def cluster(one_cluster, monkeypatch):
    """The same, with an empty queue, as this process's Slurm."""
    monkeypatch.setenv("SLURM_CONF", str(one_cluster.folder / "slurm.conf"))
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    monkeypatch.setattr(slurm, "_POLL", (0.2, 0.5))
    monkeypatch.setattr(slurm_queue, "PAUSE", 0.5)
    yield one_cluster
    one_cluster.clear()


class Heard:
    """A reporter that remembers."""

    def __init__(self):
        self.messages, self.updates = [], []

    def info(self, message):
        self.messages.append(message)

    def update(self, stage, done, total, detail=""):
        self.updates.append((done, total))


class Suite:
    """Small jobs, of which each takes steps, and their records."""

    def __init__(self, folder, site=None):
        self.records = JobRecords(folder / "results" / "suite" / ".jobs")
        self.site = Site(**(site or {}))
        self.jobs, self.arguments, self.heard = [], {}, Heard()

    def add(self, name, *after, kind="measure", needs=SMALL, steps=2, **options):
        """Add a job that takes steps, once those that it needs are done."""
        self.jobs.append(Job(name, name, kind, needs, after))
        more = [text for key, value in options.items() for text in (f"--{key}", str(value))]
        self.arguments[name] = [str(steps), *(["--needs", after[0]] if after else []), *more]

    def add_pairs(self, count, **options):
        """Add pretrainings, and a measurement of each."""
        for number in range(count):
            self.add(f"pretrain.{number}", kind="pretrain", **options)
        for number in range(count):
            self.add(f"measure.{number}", f"pretrain.{number}")

    def is_done(self, name):
        return DONE in read_steps(self.records, name)

    def submit(self, *, detach=True):
        """Do what is not done yet, as a suite's command does."""
        due = {job.name for job in self.jobs if not self.is_done(job.name)}
        jobs = [
            Job(job.name, job.title, job.kind, job.needs, tuple(name for name in job.after if name in due))
            for job in self.jobs
            if job.name in due
        ]
        work = Work(
            jobs,
            do=lambda job: None,
            command=lambda job: [str(self.records.folder), job.name, *self.arguments[job.name]],
            records=self.records,
            site=self.site,
            reporter=self.heard,
            module="tests.executors.small_job",
        )
        get_executor("slurm").execute(work, detach=detach)

    def number(self, name):
        return self.records.read_submission(name).number

    def states(self):
        """Where all jobs stand, as --status says it."""
        jobs = [
            SuiteJob(
                Job(job.name, job.title, job.kind, job.needs, tuple(n for n in job.after if not self.is_done(n))),
                None,
                (),
                not self.is_done(job.name),
            )
            for job in self.jobs
        ]
        return {each.one.job.name: each.state for each in find_status(jobs, self.records)}

    def process(self, name):
        """The number of the process that does a job."""
        return self.records.read(name).process

    def require_each_step_once(self):
        """Nothing is lost, nothing twice: all jobs are done, and each took each of its steps once, in order."""
        for job in self.jobs:
            steps = [str(step) for step in range(int(self.arguments[job.name][0]))]
            assert read_steps(self.records, job.name) == [*steps, DONE], self.records.log(job.name).read_text()


def wait_until(true, seconds=90):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.1)


def wait_for_steps(suite, name, count=2):
    wait_until(lambda: len(read_steps(suite.records, name)) >= count)


def wait_until_gone(cluster):
    wait_until(lambda: not cluster.queue())


def test_each_job_waits_for_what_it_needs_and_a_failure_takes_its_dependents_alone(cluster, tmp_path):
    suite = Suite(tmp_path)
    suite.add_pairs(3)
    suite.arguments["pretrain.1"].append("--fail")
    suite.submit(detach=False)
    failed = {"pretrain.1": "failed", "measure.1": "held back"}
    assert suite.states() == {job.name: failed.get(job.name, "done") for job in suite.jobs}
    assert suite.heard.updates[-1] == (6, 6)
    assert suite.number("measure.2").endswith("_2")  # an array whose jobs wait each for its own
    assert "attempt 1" in suite.records.log("pretrain.1").read_text()
    suite.arguments["pretrain.1"].remove("--fail")
    suite.submit(detach=False)
    suite.require_each_step_once()
    assert suite.records.read("pretrain.0").attempt == 1


def test_detached_jobs_are_followed_and_a_second_submission_does_none_twice(cluster, tmp_path):
    suite = Suite(tmp_path)
    suite.add_pairs(2, steps=60)
    suite.submit()
    assert all(suite.number(job.name) in cluster.queue() for job in suite.jobs)
    wait_for_steps(suite, "pretrain.1")
    states = suite.states()
    assert (states["pretrain.1"], states["measure.1"]) == ("running", "waiting")
    before = cluster.queue().keys()
    suite.add("late", "pretrain.1", kind="other")  # needs one that the first submission has
    suite.submit()
    assert cluster.queue().keys() - before == {suite.number("late")}
    assert "1 jobs submitted, 4 were in the queue already" in suite.heard.messages[-1]
    wait_until_gone(cluster)
    suite.require_each_step_once()


def test_two_submissions_at_once_do_no_job_twice(cluster, tmp_path):
    suite = Suite(tmp_path)
    suite.add_pairs(3, steps=5)
    both = [threading.Thread(target=suite.submit) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(text.split(".")[0] for text in suite.heard.messages) == [
        "0 jobs submitted, 6 were in the queue already",
        "6 jobs submitted",
    ]
    wait_until_gone(cluster)
    suite.require_each_step_once()
    assert {suite.records.read(job.name).attempt for job in suite.jobs} == {1}


def test_a_cancelled_job_saves_its_state_and_the_same_command_goes_on(cluster, tmp_path):
    suite = Suite(tmp_path)
    suite.add_pairs(2, steps=100)
    suite.add("waiting", "pretrain.0")
    suite.submit()
    wait_for_steps(suite, "pretrain.0")
    cluster.ask("scancel", suite.number("pretrain.0"))
    wait_until(lambda: suite.states()["pretrain.0"] == "stopped")
    wait_until(lambda: suite.states()["measure.0"] == "held back")
    assert suite.states()["measure.1"] in ("waiting", "queued")
    wait_for_steps(suite, "pretrain.1")
    cluster.ask("scancel", suite.number("pretrain.1"))
    suite.submit(detach=False)  # at once, while the other one still ends
    suite.require_each_step_once()
    assert [suite.records.read(f"pretrain.{number}").attempt for number in range(2)] == [2, 2]


def test_a_job_whose_process_is_killed_is_lost_and_the_same_command_goes_on(cluster, tmp_path):
    suite = Suite(tmp_path)
    suite.add_pairs(2, steps=40)
    suite.submit()
    wait_for_steps(suite, "pretrain.1")
    os.kill(suite.process("pretrain.1"), 9)
    wait_until_gone(cluster)
    assert suite.states() == {
        "pretrain.0": "done",
        "pretrain.1": "lost",
        "measure.0": "done",
        "measure.1": "held back",
    }
    suite.submit(detach=False)
    suite.require_each_step_once()


@pytest.mark.parametrize("by", ["an administrator", "a signal of Slurm"])
def test_a_requeued_job_goes_on_by_itself(cluster, tmp_path, by):
    suite = Suite(tmp_path)
    suite.add_pairs(2, steps=60)
    suite.submit()
    wait_for_steps(suite, "pretrain.1")
    number = suite.number("pretrain.1")
    if by == "an administrator":
        cluster.ask("scontrol", "requeue", number)
    else:  # as before the time limit
        cluster.ask("scancel", "--signal=USR2", number)
    wait_until(lambda: suite.records.read("pretrain.1").state == "stopped")
    assert suite.states()["pretrain.1"] in ("queued", "running")
    assert suite.states()["measure.1"] == "waiting"
    wait_until_gone(cluster)
    suite.require_each_step_once()
    assert suite.records.read("pretrain.1").attempt == 2
    assert suite.number("pretrain.1") == number


def test_a_preempted_job_goes_on_by_itself(cluster, tmp_path):
    suite = Suite(tmp_path, {"slurm": {"partition": "low"}})
    suite.add("pretrain", kind="pretrain", steps=100)
    suite.submit()
    wait_for_steps(suite, "pretrain")
    other = cluster.ask("sbatch", "--parsable", "--exclusive", "--output=/dev/null", "--wrap=sleep 3")
    wait_until(lambda: suite.records.read("pretrain").state == "stopped")
    assert suite.states() == {"pretrain": "queued"} or suite.states() == {"pretrain": "running"}
    wait_until(lambda: other not in cluster.queue())
    wait_until_gone(cluster)
    suite.require_each_step_once()
    assert suite.records.read("pretrain").attempt == 2


def test_a_job_over_its_time_limit_is_continued(cluster, tmp_path):
    """Slurm warns this job once, 20 to 50 seconds after its start (30 seconds early, and looks twice a minute).

    Earlier, the warning could come before there is a process to hear it; the job is to need longer.
    """
    suite = Suite(tmp_path, {"slurm": {"minutes": 1, "signal_seconds": 10}})
    suite.add("pretrain", kind="pretrain", steps=60, seconds=1)
    suite.submit()
    wait_until(lambda: suite.is_done("pretrain"), 300)
    wait_until_gone(cluster)
    suite.require_each_step_once()
    assert suite.records.read("pretrain").attempt > 1


def test_a_job_that_was_continued_often_enough_is_given_up(cluster, tmp_path):
    suite = Suite(tmp_path, {"slurm": {"requeues": 0, "minutes": 10}})
    suite.add("pretrain", kind="pretrain", steps=500)
    suite.submit()
    wait_for_steps(suite, "pretrain")
    cluster.ask("scancel", "--signal=USR2", suite.number("pretrain"))
    wait_until_gone(cluster)
    assert suite.states() == {"pretrain": "stopped"}
    assert "timed-out too many times" in suite.records.log("pretrain").read_text()


def test_the_controller_may_be_restarted_and_be_away(cluster, tmp_path):
    suite = Suite(tmp_path)
    suite.add_pairs(2, steps=50)
    waiting = threading.Thread(target=suite.submit, kwargs={"detach": False})
    waiting.start()
    wait_for_steps(suite, "pretrain.1")
    cluster.stop("slurmctld")
    with pytest.raises(UnreachableError, match="Slurm does not answer"):
        get_executor("slurm").list_queued([suite.number("pretrain.0")])
    states = suite.states()
    assert states["pretrain.0"] in ("running", "unknown", "done")
    assert states["measure.0"] == "unknown"
    assert waiting.is_alive()
    again = threading.Thread(target=suite.submit)  # waits until it can ask which jobs there are
    again.start()
    time.sleep(2)
    cluster.start_controller()
    for each in (again, waiting):
        each.join(timeout=120)
        assert not each.is_alive()
    wait_until_gone(cluster)
    suite.require_each_step_once()
    assert {suite.records.read(job.name).attempt for job in suite.jobs} == {1}


@contextmanager
def small_disk(folder):
    """A disk of one megabyte."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder):
    """Fill a disk to the last byte. Returns the file that does."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"0" * 4096)
        except OSError:
            pass
    return path


def test_a_full_disk_fails_what_cannot_write_and_the_same_command_goes_on(cluster, tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        suite = Suite(disk)
        suite.add_pairs(2, steps=40)
        suite.submit()
        wait_for_steps(suite, "pretrain.1")
        filler = fill(disk)
        wait_until_gone(cluster)
        assert not any(suite.is_done(job.name) for job in suite.jobs)
        with pytest.raises(UserError, match="the disk is full"):
            suite.submit()
        assert cluster.queue() == {}
        filler.unlink()
        assert set(suite.states().values()) <= {"failed", "lost", "held back"}
        suite.submit(detach=False)
        suite.require_each_step_once()


def test_jobs_whose_submission_cannot_be_recorded_are_cancelled(cluster, tmp_path, monkeypatch):
    suite = Suite(tmp_path)
    suite.add_pairs(2, steps=100)
    real = JobRecords.write_submission

    def write(self, job, engine, number):
        if job == "pretrain.1":
            raise UserError("cannot write: the disk is full.")
        real(self, job, engine, number)

    monkeypatch.setattr(JobRecords, "write_submission", write)
    with pytest.raises(UserError, match=r"the disk is full\. 1 of 4 jobs were submitted before"):
        suite.submit()
    wait_until(lambda: len(cluster.queue()) <= 1)
    monkeypatch.undo()
    monkeypatch.setenv("SLURM_CONF", str(cluster.folder / "slurm.conf"))
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    suite.submit(detach=False)
    suite.require_each_step_once()


def test_what_a_killed_submission_left_unrecorded_is_cancelled_by_the_next(cluster, tmp_path):
    suite = Suite(tmp_path)
    suite.add("pretrain", kind="pretrain", steps=5)
    suite.records.folder.mkdir(parents=True)
    name = slurm.name_jobs(suite.records)
    stray = cluster.ask("sbatch", "--parsable", "--output=/dev/null", f"--job-name={name}", "--wrap=sleep 300")
    suite.submit()
    wait_until(lambda: stray not in cluster.queue())
    wait_until_gone(cluster)
    suite.require_each_step_once()


def test_a_job_waits_for_another_process_that_does_it(cluster, tmp_path):
    """A suite in one process and the same suite by Slurm."""
    suite = Suite(tmp_path)
    suite.add_pairs(1)
    with suite.records.claim("pretrain.0"):
        suite.submit()
        log = suite.records.log("pretrain.0")
        wait_until(lambda: log.exists() and "waiting for it" in log.read_text())
        (suite.records.folder / "pretrain.0" / "steps").write_text("0\n")
    wait_until_gone(cluster)
    suite.require_each_step_once()


def test_an_interruption_leaves_the_jobs_in_the_queue(cluster, tmp_path, monkeypatch):
    suite = Suite(tmp_path)
    suite.add_pairs(1, steps=20)

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(suite.heard, "update", interrupt)
    with pytest.raises(StoppedError, match=r"the jobs stay in Slurm's queue.*scancel --name=loocbench-suite-"):
        suite.submit(detach=False)
    wait_until_gone(cluster)
    suite.require_each_step_once()


def test_what_slurm_refuses_is_told_in_one_line(cluster, tmp_path, monkeypatch):
    suite = Suite(tmp_path, {"slurm": {"partition": "nowhere"}})
    suite.add_pairs(1)
    with pytest.raises(UserError, match=r"^Slurm has no partition 'nowhere'\. Available: main, low\.$"):
        suite.submit()
    huge = Suite(tmp_path / "huge")
    huge.add_pairs(1, needs=Needs(memory_gib=5000))
    with pytest.raises(UserError, match=r"^sbatch refused the jobs: .*configuration is not available"):
        huge.submit()
    assert cluster.queue() == {}
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("PATH", str(tmp_path))
        with pytest.raises(UserError, match=r"^sbatch is not there: run this on a machine from which Slurm takes jobs"):
            huge.submit()


def test_gpus_are_given_by_slurm_and_setup_comes_first(cluster, tmp_path):
    suite = Suite(tmp_path, {"slurm": {"setup": ["echo GPU $CUDA_VISIBLE_DEVICES of $SLURM_CPUS_ON_NODE cores"]}})
    suite.add("pretrain", kind="pretrain", needs=Needs(gpus=0.5, cores=2, memory_gib=0.5))
    suite.submit(detach=False)
    assert "GPU 0 of 2 cores\n" in suite.records.log("pretrain").read_text()


SUITE = """
suite = "few"
version = 1
title = "Few flowers"
description = "The demo suite in small."
cost = "a moment"
pretrain_on = "blooms"
tasks = {tasks}

[budget]
backbone = "resnet8"
image_size = 16
epochs = {epochs}
batch_size = 32
learning_rate = 0.05
schedule = "cosine"
weight_decay = 5e-4
queue_size = 64
key_momentum = 0.99
temperature = 0.2

groups = {groups}

[[models]]
method = "looc++"
augmentations = ["color", "rotation"]
features = ["looc++", "head:color"]
"""
TASKS = ["linear/blooms-color", "rotation/blooms", "retrieval/blooms"]
OTHERS = """
[[models]]
method = "random"
features = ["looc"]

[[models]]
method = "moco"
augmentations = ["color", "rotation"]
features = ["looc"]
"""


def make_suite(folder, more="", **settings):
    path = folder / "few.toml"
    path.write_text(SUITE.format(**{"tasks": TASKS[:1], "epochs": 12, "groups": 1, **settings}) + more)
    return path


@pytest.fixture
def program(cluster, tmp_path, monkeypatch):
    """Run ``loocbench run`` on few flowers, its jobs in processes of their own; returns what it printed."""
    few = CHECKOUT / "tests" / "executors" / "few_flowers"
    monkeypatch.setenv("PYTHONPATH", f"{few}{os.pathsep}{CHECKOUT}")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the pictures are tiny
    for split, count in TINY.items():  # as few_flowers has it
        monkeypatch.setitem(blooms.SIZES, split, count)

    def call(place, *arguments):
        folder = tmp_path / place
        folder.mkdir(exist_ok=True)
        with monkeypatch.context() as there:
            there.chdir(folder)
            said = run_command("run", *arguments, "--cache", "cache", "--device", "cpu")
        assert said.code == 0, said.err
        return said

    return call


def rows_below(folder):
    """Rows by their files, without what differs between two runs of the same: when, where, how long, in which order."""
    files = sorted((folder / "results" / "few").rglob("*.json"))
    without = {"created", "seconds", "hardware", "checkpoint_number"}
    return {path.relative_to(folder): store.read_row(path).model_dump(exclude=without) for path in files}


def test_a_suite_has_the_rows_that_it_has_in_one_process(program, tmp_path):
    card = make_suite(tmp_path, OTHERS, tasks=TASKS, epochs=2)
    program("here", card)
    said = program("slurm", card, "--executor", "slurm")
    assert "MoCo" in said.out
    ours, theirs = (rows_below(tmp_path / place) for place in ("slurm", "here"))
    assert len(theirs) == 12
    assert ours == theirs
    status = json.loads(program("slurm", card, "--status", "--json").out)
    assert {job["state"] for job in status["jobs"]} == {"done"}


def test_a_pretraining_that_is_requeued_goes_on_to_the_same_rows(program, cluster, tmp_path):
    card = make_suite(tmp_path)
    program("here", card)
    program("slurm", card, "--executor", "slurm", "--detach")
    jobs = tmp_path / "slurm" / "results" / "few" / ".jobs"
    (longest,) = [path.name for path in jobs.glob("pretrain.*looc*")]
    wait_until(lambda: list((tmp_path / "slurm" / "runs").glob("*looc*/state-*")), 300)
    records = JobRecords(jobs)
    cluster.ask("scancel", "--signal=USR2", records.read_submission(longest).number)
    wait_until(lambda: records.read(longest).state == "stopped", 300)
    wait_until(lambda: not cluster.queue(), 900)
    assert "resuming at epoch" in records.log(longest).read_text()
    program("slurm", card, "--executor", "slurm")
    assert rows_below(tmp_path / "slurm") == rows_below(tmp_path / "here")


def test_two_processes_of_a_job_train_together_and_are_continued(program, cluster, tmp_path):
    card = make_suite(tmp_path, more="\n[needs.pretrain]\nprocesses = 2\ncores = 2\n", groups=2)
    program("slurm", card, "--executor", "slurm", "--detach")
    jobs = tmp_path / "slurm" / "results" / "few" / ".jobs"
    (longest,) = [path.name for path in jobs.glob("pretrain.*looc*")]
    wait_until(lambda: list((tmp_path / "slurm" / "runs").glob("*looc*/state-*")), 300)
    records = JobRecords(jobs)
    cluster.ask("scancel", "--signal=USR2", records.read_submission(longest).number)
    wait_until(lambda: records.read(longest).state == "stopped", 300)
    wait_until(lambda: not cluster.queue(), 900)
    status = json.loads(program("slurm", card, "--status", "--json").out)
    assert {job["state"] for job in status["jobs"]} == {"done"}, records.log(longest).read_text()
    assert "resuming at epoch" in records.log(longest).read_text()
    (checkpoint,) = (tmp_path / "slurm" / "runs").glob("*looc*/checkpoint.safetensors")
    assert card_file.read_card(checkpoint).hardware.endswith("2 processes")
