"""``torchrun -m loocbench pretrain``: two processes write one run, stop together and go on to the same weights."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from typer.testing import CliRunner

from loocbench.checkpoints import card_file, native
from loocbench.cli import app
from tests.conftest import picture

pytestmark = pytest.mark.slow
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
RECIPE = ["--method", "looc", "--backbone", "resnet8", "--image-size", "16"]
RECIPE += ["--batch-size", "15", "--keep-last", "--queue-size", "32"]


@pytest.fixture
def pictures(tmp_path):
    """A folder whose training split ends in a batch of seven."""
    for number in range(80):
        picture(tmp_path / "pictures" / f"class{number % 2}" / f"{number}.jpg", (24, 20), number)
    return tmp_path / "pictures"


def command(pictures, name, *more):
    options = ["--dataset", f"folder:{pictures}", "--name", name, "--cache", "cache", "--device", "cpu", *more]
    return [*TORCHRUN, "-m", "loocbench", "pretrain", *RECIPE, *options]


LONG = ["--epochs", "12", "--learning-rate", "0.01"]


def test_two_processes_write_one_run_and_resume_to_the_same_weights(tmp_path, pictures):
    """The weights are those of one process with two groups, too; at a low rate, since rounding grows with training."""
    whole = subprocess.run(command(pictures, "whole", *LONG), capture_output=True, text=True, check=False, timeout=600)
    assert whole.returncode == 0, whole.stderr
    assert whole.stderr.count("checkpoint: ") == 1
    card = card_file.read_card(tmp_path / "runs" / "whole" / card_file.FILE)
    assert card.recipe.groups == 2
    assert card.images % 15 == 7
    assert card.hardware.endswith("2 processes")
    log = [json.loads(line) for line in (tmp_path / "runs" / "whole" / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in log] == list(range(1, 13))
    assert log[0]["steps"] == card.images // 15 + 1

    stopped = subprocess.Popen(command(pictures, "parts", *LONG), stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("runs/parts/state-*")) and stopped.poll() is None:
        time.sleep(0.02)
    os.kill(stopped.pid, signal.SIGTERM)
    said = stopped.communicate(timeout=300)[1]
    assert said.count("keeps all of it") == 1, said
    assert card_file.read_card(tmp_path / "runs" / "parts" / card_file.FILE).epochs_done < 12
    resumed = subprocess.run(
        command(pictures, "parts", *LONG, "--resume"), capture_output=True, text=True, check=False, timeout=600
    )
    assert "resuming at epoch" in resumed.stderr
    assert card_file.read_card(tmp_path / "runs" / "parts" / card_file.FILE).weights == card.weights

    one = command(pictures, "one", *LONG, "--groups", "2")[len(TORCHRUN) + 2 :]
    assert CliRunner().invoke(app, one).exit_code == 0
    ours, theirs = (native.load(tmp_path / "runs" / name / card_file.FILE).weights for name in ("whole", "one"))
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-3, atol=1e-4, msg=name)


def test_groups_that_cannot_be_shared_are_refused_in_one_line(tmp_path, pictures):
    said = subprocess.run(
        command(pictures, "run", "--groups", "3"), capture_output=True, text=True, check=False, timeout=600
    )
    assert "loocbench: 2 processes need --groups to be a multiple of 2." in said.stderr
    assert said.stderr.count("loocbench: ") == 1
    assert not (tmp_path / "runs" / "run").exists()
