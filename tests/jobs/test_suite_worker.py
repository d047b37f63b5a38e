"""One job in a process of its own, by the command that executors start: the same rows as in one process.

Covers ``loocbench.jobs.suite_command``.
"""

import os
import signal

import pytest

from loocbench.cards import suites
from loocbench.errors import StoppedError, UserError
from loocbench.jobs import suite_command, suite_work, suite_worker
from loocbench.jobs.settings import EvaluationSettings
from loocbench.jobs.suite import open_records
from tests.jobs.conftest import Heard
from tests.jobs.test_suite_plan import SETTINGS, make_suite

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
MODELS = (suites.SuiteModel(method="moco", features=("looc",), seeds=(0, 1)),)
NAME = "own-moco-blooms-s1"


def do(name, reporter=None):
    suite_worker.do_job(make_suite("knn/blooms", models=MODELS), name, SETTINGS, reporter or Heard())


def test_a_measurement_waits_for_its_pretraining_and_nothing_is_done_twice(tmp_path):
    with pytest.raises(UserError, match=f"{NAME} is not pretrained yet; do pretrain.{NAME} first"):
        do(f"measure.{NAME}.blooms")
    do(f"pretrain.{NAME}")
    assert [path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()] == [NAME]
    do(f"measure.{NAME}.blooms")
    assert len(list((tmp_path / "results").rglob("*.json"))) == 1
    for job in (f"pretrain.{NAME}", f"measure.{NAME}.blooms"):
        assert open_records(SETTINGS).read(job).attempt == 1
        reporter = Heard()
        do(job, reporter)
        assert reporter.messages == [f"{job} is done"]
        assert open_records(SETTINGS).read(job).attempt == 1


def test_only_the_model_of_the_job_is_planned(monkeypatch):
    named = []
    real = suite_work.train_recipe
    monkeypatch.setattr(
        suite_work, "train_recipe", lambda *rest, name, **more: (named.append(name), real(*rest, name=name, **more))[1]
    )
    do(f"pretrain.{NAME}")
    assert named == [NAME]
    with pytest.raises(UserError, match="has no job 'pretrain"):
        do("pretrain.nothing")


def test_a_job_that_another_process_does_is_left_to_it():
    with open_records(SETTINGS).claim(f"pretrain.{NAME}"):
        reporter = Heard()
        do(f"pretrain.{NAME}", reporter)
    assert reporter.messages == [f"another process does pretrain.{NAME}"]


def test_sigterm_leaves_a_record(monkeypatch):
    monkeypatch.setattr(suite_work, "train_recipe", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(StoppedError, match="what is finished is kept"):
        do(f"pretrain.{NAME}")
    assert open_records(SETTINGS).read(f"pretrain.{NAME}").state == "stopped"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_sigterm_does_not_interrupt_the_record(monkeypatch):
    """torchrun passes on what Slurm sends to all processes of a job."""

    def stopped_twice(*_, **__):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(suite_work, "train_recipe", stopped_twice)
    with pytest.raises(StoppedError):
        do(f"pretrain.{NAME}")
    assert open_records(SETTINGS).read(f"pretrain.{NAME}").state == "stopped"


def test_a_suite_that_is_a_file_is_named_by_its_whole_path(tmp_path):
    (tmp_path / "mine.toml").write_text("")
    assert suite_command.job_arguments("mine.toml", "a", SETTINGS)[1] == str(tmp_path / "mine.toml")


def test_the_command_states_every_setting_with_absolute_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("LOOCBENCH_DATA", str(tmp_path / "data"))
    settings = EvaluationSettings(suite="own", seed=3, precision="bfloat16", compiled=True, skip_damaged=True)
    arguments = suite_command.job_arguments("own", "the-job", settings, references=["mine"], features=["looc"])
    assert arguments == [
        *("run", "own", "--job", "the-job"),
        *("--runs", str(tmp_path / "runs"), "--results", str(tmp_path / "results")),
        *("--data-dir", str(tmp_path / "data")),
        *("--device", "auto", "--precision", "bfloat16", "--seed", "3", "--compile", "--skip-damaged"),
        *("--checkpoint", "mine", "--features", "looc"),
    ]
    (tmp_path / "mine").mkdir()
    assert str(tmp_path / "mine") in suite_command.job_arguments("own", "j", settings, references=["mine"])
