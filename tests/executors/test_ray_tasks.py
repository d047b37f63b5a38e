"""Jobs as tasks of Ray, on two nodes of this machine of which one is killed: each is done once, whatever happens.

Covers ``loocbench.executors.ray_cluster``.
"""

import json
import os
import signal
import socket
import sys
import threading
import time

import pytest
from typer.testing import CliRunner

from loocbench.cli import app
from loocbench.errors import UserError
from loocbench.executors.job import Job, Needs
from loocbench.executors.ray_cluster import fit_all, list_variables
from loocbench.executors.ray_tasks import RAY
from loocbench.executors.records import JobRecords
from loocbench.executors.site import RaySite, Site
from loocbench.executors.work import Work
from loocbench.jobs.suite_jobs import SuiteJob
from loocbench.jobs.suite_status import find_status
from tests.conftest import make_cub
from tests.jobs.conftest import Heard

GIB = 2**30
needs_ray = [pytest.mark.slow, pytest.mark.xdist_group("ray")]


def job(name, *after, **needs):
    return Job(name, name, "kind", Needs(**{"cores": 1, "gpus": 0, **needs}), after)


def test_unstated_needs_are_lowered_to_the_largest_node_and_stated_ones_are_not():
    nodes = [{"CPU": 1.0, "memory": 2.0 * GIB}, {"CPU": 1.0, "GPU": 2.0, "memory": 4.0 * GIB}]
    guessed = Job("a", "a", "kind", Needs(gpus=0.5))
    assert fit_all([guessed], nodes) == {"a": {"GPU": 0.5, "CPU": 1.0, "memory": 4.0 * GIB}}
    with pytest.raises(UserError, match=r"needs 0 GPUs, 2 cores and 4.0 GiB, and the largest of 2 nodes has 2 GPUs"):
        fit_all([job("a", cores=2)], nodes)
    with pytest.raises(UserError, match=r"needs 3 GPUs"):
        fit_all([job("a", gpus=3)], nodes)
    with pytest.raises(UserError, match=r"8.0 GiB, and the largest of 2 nodes has 2 GPUs, 1 cores and 4.0 GiB"):
        fit_all([job("a", memory_gib=8)], nodes)
    with pytest.raises(UserError, match=r"a needs 1.5 GPUs; Ray gives shares of one GPU"):
        fit_all([job("a", gpus=1.5)], nodes)
    with pytest.raises(UserError, match=r"needs 2 nodes; with --executor ray a job is on one"):
        fit_all([job("a", nodes=2, processes=2)], nodes)
    with pytest.raises(UserError, match=r"2 nodes"):  # enough in all, but on no node
        fit_all([job("a", memory_gib=3, gpus=1, cores=1), job("b", cores=2)], nodes)


def test_a_job_is_kept_to_its_cores_and_away_from_gpus_that_it_did_not_ask_for():
    assert list_variables(Needs(gpus=1, cores=8), 8)["OMP_NUM_THREADS"] == "8"
    assert list_variables(Needs(gpus=4, cores=8, processes=4), 8)["OMP_NUM_THREADS"] == "2"
    assert "CUDA_VISIBLE_DEVICES" not in list_variables(Needs(gpus=0.5), 2)
    assert list_variables(Needs(), 2)["CUDA_VISIBLE_DEVICES"] == ""


def test_it_does_not_detach(tmp_path):
    with pytest.raises(UserError, match="--executor slurm"):
        RAY.execute(Work([], print, lambda one: [], JobRecords(tmp_path), Site(), Heard()), detach=True)
    assert (RAY.detaches, RAY.list_queued(["1"])) == (False, {})


def test_ray_is_an_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'loocbench\[ray\]'"):
        RAY.execute(Work([job("a")], print, lambda one: [], JobRecords(tmp_path), Site(), Heard()), detach=False)


def test_an_address_where_nothing_answers_is_refused_at_once(tmp_path):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'loocbench[ray]'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        work = Work(
            [job("a")], print, lambda one: [], JobRecords(tmp_path), Site(ray=RaySite(address=address)), Heard()
        )
        with pytest.raises(UserError, match=f"no Ray answers at {address} .*; start one there with: ray start --head"):
            RAY.execute(work, detach=False)


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_without_an_address_ray_is_started_here_and_ended(tmp_path, capfd):
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'loocbench[ray]'")
    work = Work(
        jobs=[job("a"), job("b", "a")],
        do=lambda one: pytest.fail("done in this process"),
        command=lambda one: [str(tmp_path), one.name, "2"],
        records=JobRecords(tmp_path),
        site=Site(),
        reporter=Heard(),
        module="tests.executors.counting_job",
    )
    before = signal.getsignal(signal.SIGTERM)
    try:
        RAY.execute(work, detach=False)
    except UserError as error:
        if "timed out during startup" in str(error):
            pytest.skip("Ray did not start in time: the machine is too busy")
        raise
    assert results(tmp_path) == ["a", "b"]
    assert not ray.is_initialized()
    assert signal.getsignal(signal.SIGTERM) is before
    assert capfd.readouterr().out == ""  # standard output is for results


@pytest.fixture(scope="module")
def cluster():
    """Ray's first node, with a core and two pretended GPUs, and another with a core."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'loocbench[ray]'")
    from ray.cluster_utils import Cluster

    made = Cluster()
    try:
        add_node(made, num_gpus=2, include_dashboard=False, no_monitor=True)
        made.second = add_node(made)
        yield made
    finally:
        made.shutdown()


def add_node(cluster, **more):
    """Add a node with a core. Ray gives the processes of a node 15 s to start, whatever else the machine does."""
    for _ in range(3):
        try:
            return cluster.add_node(num_cpus=1, **more)
        except Exception as error:
            if "timed out during startup" not in str(error):
                raise
    pytest.skip("a node of Ray did not start in time: the machine is too busy")


@pytest.fixture
def do(cluster, tmp_path):
    """Do jobs that count, each in some steps, on the cluster. Returns the messages."""

    def execute(jobs, steps=3, **how):
        work = Work(
            jobs=jobs,
            do=lambda one: pytest.fail("done in this process"),
            command=lambda one: [str(tmp_path), one.name, str(steps), *([how[one.name]] if one.name in how else [])],
            records=JobRecords(tmp_path),
            site=Site(ray=RaySite(address=cluster.address)),
            reporter=Heard(),
            module="tests.executors.counting_job",
        )
        RAY.execute(work, detach=False)
        return work.reporter.messages

    return execute


SUITE = """
suite = "own"
version = 1
title = "Own"
description = "In small"
cost = "seconds"
pretrain_on = "cub200"
tasks = ["knn/cub200"]

[budget]
backbone = "resnet8"
image_size = 16
epochs = 2
batch_size = 4
learning_rate = 0.1
schedule = "cosine"
weight_decay = 5e-4
queue_size = 8
key_momentum = 0.99
temperature = 0.2

[[models]]
method = "random"
features = ["looc"]

[[models]]
method = "looc"
augmentations = ["color", "rotation"]
features = ["looc"]
"""


def without_time(row):
    """A row without what may differ between two measurements of the same."""
    return {name: value for name, value in row.items() if name not in ("created", "seconds", "hardware", "checksum")}


def results(tmp_path):
    return sorted((tmp_path / "results").read_text().splitlines())


def steps(tmp_path, name):
    """The steps that a job has done, in the order in which it did them."""
    path = tmp_path / name / "steps"
    return [int(line.split()[0]) for line in path.read_text().splitlines()] if path.exists() else []


def states(tmp_path, jobs):
    """Where each job stands, as --status says it."""
    found = find_status([SuiteJob(one, None, (), due=True) for one in jobs], JobRecords(tmp_path))
    return {each.one.job.name: each.state for each in found}


def when(condition, act):
    """Act in another thread as soon as a condition holds."""

    def wait():
        until = time.monotonic() + 100
        while not condition() and time.monotonic() < until:
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


class TestOnTwoNodes:
    """With Ray itself."""

    pytestmark = needs_ray

    def test_a_failed_job_takes_only_its_dependents_and_a_killed_one_goes_on(self, do, tmp_path):
        jobs = [job("a", gpus=0.5), job("b", "a")]
        jobs += [job("fails"), job("needs it", "fails"), job("needs that", "needs it")]
        jobs += [job("killed"), job("always killed"), job("killed early"), job("never begins")]
        (tmp_path / "never begins").write_text("a file in the place of the job's folder")
        how = {"fails": "fails", "killed": "dies-once", "always killed": "dies", "killed early": "dies-early"}
        said = do(jobs, steps=10, **how)
        assert results(tmp_path) == ["a", "b", "killed", "killed early"]
        stand = states(tmp_path, jobs)
        assert (stand["fails"], stand["needs it"], stand["needs that"]) == ("failed", "held back", "held back")
        assert stand["always killed"] == "lost"

        logs = {path.parent.name: path.read_text().splitlines() for path in tmp_path.glob("*/log")}
        assert f"failed, going on: fails: no luck (log: {tmp_path / 'fails' / 'log'})" in said
        assert logs["fails"] == ["fails, attempt 1"]  # what fails is not tried again
        assert logs["killed"] == ["killed, attempt 1", "killed, attempt 2"]
        assert steps(tmp_path, "killed") == list(range(10))  # it went on from where it was
        assert len(logs["always killed"]) == 6
        assert sum("always killed is done again: its process ended with exit code 137" in line for line in said) == 5
        assert [line.split(":")[0] for line in said if "never begins" in line] == ["failed, going on"]

        surroundings = {name: (tmp_path / name / "steps").read_text().splitlines()[0] for name in "ab"}
        assert surroundings["a"] in ("0 1 0", "0 1 1")  # one thread, one of the two GPUs
        assert surroundings["b"] == "0 1 "

    @pytest.mark.parametrize("looked_first", [True, False])
    def test_a_job_that_another_process_does_is_waited_for(self, do, tmp_path, monkeypatch, looked_first):
        records, over = JobRecords(tmp_path), threading.Event()

        def other():
            with records.claim("a"):
                over.wait(60)

        thread = threading.Thread(target=other)
        thread.start()
        looks = []
        real = JobRecords.is_alive
        if not looked_first:  # the job is begun before the other process's claim is seen
            monkeypatch.setattr(
                JobRecords, "is_alive", lambda *of: bool(looks.append(of) or len(looks) > 1) and real(*of)
            )
        sign = (tmp_path / "results", "c") if looked_first else (records.log("a"), "busy")
        ended = when(lambda: sign[0].exists() and sign[1] in sign[0].read_text(), over.set)
        said = do([job("a"), job("b", "a"), job("c")])
        ended.join()
        thread.join()
        assert (results(tmp_path), steps(tmp_path, "a")) == (["b", "c"], [])
        if looked_first:
            assert "waiting for another process, which does a" in said

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_an_interruption_lets_jobs_save_their_state(self, do, tmp_path, number):
        jobs = [job("a"), job("b"), job("c", "b")]
        before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
        thread = when(lambda: steps(tmp_path, "a") and steps(tmp_path, "b"), lambda: os.kill(os.getpid(), number))
        with pytest.raises(KeyboardInterrupt):
            do(jobs, steps=600)
        thread.join()
        assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
        assert states(tmp_path, jobs) == {"a": "stopped", "b": "stopped", "c": "held back"}
        if number == signal.SIGINT:
            return  # the same goes on from here
        done = len(steps(tmp_path, "a"))
        do(jobs, steps=done + 40)
        assert results(tmp_path) == ["a", "b", "c"]
        for name in ("a", "b"):
            assert steps(tmp_path, name) == list(range(done + 40))

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_an_interruption_that_is_lost_in_a_callback_ends_it_too(self, do, tmp_path, monkeypatch):
        """Python can only report what is raised where an object ends, and goes on."""
        report, lost = Heard.update, []

        class Ended:
            def __del__(self):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(1)  # the signal comes here

        def watched(reporter, *of):
            if not lost and steps(tmp_path, "a"):
                lost.append(True)
                [Ended()].clear()
            return report(reporter, *of)

        monkeypatch.setattr(Heard, "update", watched)
        with pytest.raises(KeyboardInterrupt):
            do([job("a")], steps=600)
        assert states(tmp_path, [job("a")]) == {"a": "stopped"}

    def test_needs_that_no_node_has_are_refused_before_anything_begins(self, do, tmp_path):
        with pytest.raises(UserError, match=r"large needs 3 GPUs, 1 cores .* and the largest of 2 nodes has 2 GPUs"):
            do([job("a"), job("large", gpus=3)])
        assert not (tmp_path / "results").exists()

    def test_a_suite_gives_the_rows_of_one_process(self, cluster, tmp_path):
        make_cub(tmp_path / "data", images=16)
        (tmp_path / "own.toml").write_text(SUITE)
        (tmp_path / "site.toml").write_text(f'[ray]\naddress = "{cluster.address}"\n')
        rows = {}
        for engine, more in (("inline", ()), ("ray", ("--site", "site.toml"))):
            command = ["run", "own.toml", "--data-dir", "data", "--cache", "cache", "--device", "cpu"]
            command += ["--runs", f"{engine}-runs", "--results", f"{engine}-results"]
            done = CliRunner().invoke(app, [*command, "--executor", engine, *more], catch_exceptions=False)
            assert done.exit_code == 0, done.stderr
            rows[engine] = {
                path.relative_to(tmp_path / f"{engine}-results"): without_time(json.loads(path.read_text()))
                for path in (tmp_path / f"{engine}-results").rglob("*.json")
            }
        assert len(rows["ray"]) == 2
        assert rows["ray"] == rows["inline"]
        assert sum(line.startswith("[") for line in done.stderr.splitlines()) == 3
        assert "done again" not in done.stderr
        assert CliRunner().invoke(app, [*command, "--status"]).stdout.strip() == "3 done"
        (log,) = tmp_path.glob("ray-results/own/.jobs/pretrain.*/log")
        assert log.read_text().startswith("[1/1] pretrain own-looc")

    def test_a_lost_nodes_job_is_done_again(self, do, cluster, tmp_path):
        """The last test with two nodes: it kills one of them."""
        jobs = [job("a"), job("b"), job("c", "a"), job("d", "b")]
        seen = []

        def kill():
            seen.append(states(tmp_path, jobs))
            cluster.remove_node(cluster.second, allow_graceful=False)

        thread = when(lambda: steps(tmp_path, "a") and steps(tmp_path, "b"), kill)
        said = do(jobs, steps=60)
        thread.join()
        assert seen == [{"a": "running", "b": "running", "c": "waiting", "d": "waiting"}]
        assert results(tmp_path) == ["a", "b", "c", "d"]
        assert [steps(tmp_path, name) for name in "abcd"] == [list(range(60))] * 4
        assert sum("is done again: its worker was lost" in line for line in said) == 1
        assert [JobRecords(tmp_path).read(name).state for name in "abcd"] == ["done"] * 4
