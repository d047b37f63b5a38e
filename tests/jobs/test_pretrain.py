"""Pretraining in one line of Python."""

import pytest

from loocbench.checkpoints import card_file
from loocbench.errors import UserError
from loocbench.jobs import pretrain as job
from loocbench.jobs.pretrain import pretrain

SMALL = {"image_size": 16, "epochs": 1, "batch_size": 48, "queue_size": 64, "embedding_dim": 16}


class Heard:
    """A reporter that remembers its messages."""

    def __init__(self):
        self.messages = []

    def update(self, stage, done, total, detail=""):
        """Nothing."""

    def info(self, message):
        """Remember it."""
        self.messages.append(message)


def test_a_model_is_pretrained_in_one_line(only_tiny_blooms, tmp_path):
    reporter = Heard()
    path = pretrain("moco", "blooms", augmentations=["color", "rotation"], seed=2, reporter=reporter, **SMALL)
    assert (tmp_path / path).resolve() == tmp_path / "runs" / "moco-rotation-blooms-s2" / card_file.FILE
    recipe = card_file.read_card(path).recipe
    assert (recipe.method, recipe.seed, recipe.learning_rate, recipe.groups) == ("moco", 2, 0.03, 1)  # of the defaults
    assert reporter.messages[-1] == f"checkpoint: {path}"


def test_a_card_gives_what_is_not_said(only_tiny_blooms, tmp_path):
    path = pretrain(
        dataset="blooms",
        recipe="small/looc-rotation",
        runs=tmp_path / "elsewhere",
        name="mine",
        backbone="resnet8",
        **SMALL,
    )
    assert path == tmp_path / "elsewhere" / "mine" / card_file.FILE
    recipe = card_file.read_card(path).recipe
    assert (recipe.left_out, recipe.learning_rate, recipe.key_momentum) == (("rotation",), 0.06, 0.99)


@pytest.mark.parametrize("fastest", ["float32", "bfloat16"])
def test_precision_auto_is_what_the_device_computes_in_fastest_and_the_card_says_which(
    only_tiny_blooms, monkeypatch, fastest
):
    monkeypatch.setattr(job, "fastest_precision", lambda device: fastest)
    reporter = Heard()
    path = pretrain("moco", precision="auto", reporter=reporter, **SMALL)
    assert card_file.read_card(path).recipe.precision == fastest
    assert f"precision: {fastest}, which this device computes in fastest" in reporter.messages


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epoch": 3}, "Did you mean 'epochs'"),
        ({"method": "loc"}, "Did you mean 'looc'"),
        ({"method": "random"}, "unknown method 'random'"),
        ({"recipe": "paper/loc"}, "Did you mean 'paper/looc'"),
        ({"dataset": "bloms"}, "Did you mean 'blooms'"),
        ({"name": "../mine"}, "cannot name a run"),
        ({"device": "tpu"}, "no device 'tpu'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        pretrain(**options)
    assert not (tmp_path / "runs").exists()
