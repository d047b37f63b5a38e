"""``loocbench pretrain --init``: runs that begin from another checkpoint.

Covers ``loocbench.cli.pretrain``, ``loocbench.jobs.pretrain``.
"""

import json
import os
import signal

import pytest
import torch
import torchvision

from loocbench.checkpoints import card_file, native
from loocbench.pretraining.labels import model_label
from tests.cli.conftest import QUICK

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
SMALL = ["--image-size", "16", "--batch-size", "32", "--queue-size", "64"]
FIRST = ["pretrain", "--method", "moco", *SMALL, "--epochs", "1", "--backbone", "resnet8", "--name", "first"]


def load(folder, name):
    return native.load(folder / "runs" / name / card_file.FILE)


def test_a_run_goes_on_from_another_and_cards_rows_and_tables_say_so(loocbench, tmp_path):
    assert loocbench(*FIRST).code == 0
    said = loocbench("pretrain", "--init", "first", "--method", "looc++", "--learning-rate", "1e-9")
    assert said.code == 0, said.err
    assert "begins from first (weights " in said.err
    assert "not taken: heads.invariant (4)" in said.err
    begun, first = load(tmp_path, "loocpp-color-from-first-blooms-s0"), load(tmp_path, "first")
    assert begun.card.recipe.init.model_dump() == {
        "name": "first",
        "weights": first.card.weights,
        "source": "",
        "dataset": "blooms",
    }
    assert model_label(begun.card) == "LooC++ (color) from first"
    recipe = begun.card.recipe
    assert (recipe.backbone, recipe.image_size, recipe.batch_size) == ("resnet8", 16, 32)  # those of first
    for name, values in begun.weights.items():
        if name.endswith("conv1.weight"):
            origin = "stages.general." + name.split(".", 2)[2] if name.startswith("stages.") else name
            torch.testing.assert_close(values, first.weights[origin])
    name = begun.card.name
    inspected = " ".join(loocbench("checkpoints", "inspect", name).out.split())
    assert "first, trained on blooms; weights SHA-256" in inspected
    assert loocbench("knn", "--checkpoint", name).code == 0
    assert "LooC++ (color) from first" in " ".join(loocbench("report", "--format", "csv").out.split())


def test_training_starts_from_these_weights_and_not_from_the_seeds(loocbench, tmp_path):
    assert loocbench(*FIRST, "--seed", "1").code == 0
    options = ["--method", "moco", *SMALL, "--epochs", "1", "--backbone", "resnet8"]
    assert loocbench("pretrain", *options, "--name", "plain").code == 0
    assert loocbench("pretrain", *options, "--init", "first", "--name", "begun").code == 0
    assert loocbench("pretrain", *options, "--init", "random:resnet8", "--name", "same").code == 0
    weights = {name: load(tmp_path, name).weights["trunk.0.0.weight"] for name in ("first", "plain", "begun", "same")}
    assert (weights["begun"] - weights["first"]).abs().max() < (weights["plain"] - weights["first"]).abs().max() / 4
    torch.testing.assert_close(weights["same"], weights["plain"])  # the seed's own weights, taken from a checkpoint


def test_it_resumes_bit_for_bit_without_the_checkpoint(loocbench, one_line, tmp_path, monkeypatch):
    from loocbench.pretraining.loop import Run

    assert loocbench(*FIRST).code == 0
    command = ["pretrain", "--init", "first", "--epochs", "2"]
    assert loocbench(*command, "--name", "straight").code == 0
    real = Run._step

    def step(self, batch):
        if self.steps_done + 1 == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, batch)

    monkeypatch.setattr(Run, "_step", step)
    one_line(*command, "--name", "mine", code=143)
    monkeypatch.setattr(Run, "_step", real)
    other = one_line("pretrain", "--resume", "mine", "--init", "random:resnet8")
    assert "was begun with --init first (weights " in other
    assert "(now random-resnet8-s0 (weights " in other
    assert loocbench("pretrain", *FIRST[1:-1], "plain").code == 0
    assert "was begun with no --init (now first" in one_line("pretrain", "--resume", "plain", "--init", "first")
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "runs" / "first").rename(elsewhere)
    assert loocbench("pretrain", "--resume", "mine", "--init", elsewhere).code == 0
    assert load(tmp_path, "mine").card.weights == load(tmp_path, "straight").card.weights
    extended = loocbench("pretrain", "--resume", "mine", "--extend", "1")
    assert extended.code == 0
    assert load(tmp_path, "mine").card.recipe.init.name == "first"


def test_looc_from_a_file_of_torchvision_is_one_command(loocbench, tmp_path):
    torch.manual_seed(0)
    net = torchvision.models.resnet18()
    torch.save(net.state_dict(), tmp_path / "theirs.pth")
    one_step = ["--batch-size", "96", "--learning-rate", "1e-9"]
    assert loocbench("pretrain", "--init", "theirs.pth", *QUICK, *one_step).code == 0
    begun = load(tmp_path, "looc-color-rotation-from-theirs-blooms-s0")
    assert begun.card.recipe.backbone == "resnet18"
    assert begun.card.recipe.init.source.startswith("theirs.pth, SHA-256 ")
    torch.testing.assert_close(begun.weights["stages.general.1.conv2.weight"], net.layer4[1].conv2.weight)
    torch.testing.assert_close(begun.weights["trunk.layer3.0.conv1.weight"], net.layer3[0].conv1.weight)


def test_what_does_not_fit_is_one_line_and_leaves_nothing(loocbench, one_line, tmp_path):
    refused = one_line("pretrain", "--init", "random:resnet20", "--recipe", "small/looc", "--dataset", "blooms")
    assert "is a resnet20, which cannot begin a resnet18" in refused
    assert "state --backbone resnet20" in refused
    assert "pretrain cannot train" in one_line("pretrain", "--init", "random:shufflenet_v2_x0_5")
    assert "no checkpoint at missing.pth" in one_line("pretrain", "--init", "missing.pth")
    assert not (tmp_path / "runs").exists()


def test_a_recipe_that_begins_from_a_checkpoint_is_not_begun_without_it(one_line, tmp_path):
    """A recipe card cannot state it, since a card is no checkpoint."""
    card = "\n".join(
        ["recipe = 'mine/card'", "version = 1", "title = 'LooC'", "description = ''", "dataset = 'blooms'", "cost = ''"]
    )
    settings = "\n[settings]\nmethod = 'looc'\nbackbone = 'resnet8'\nepochs = 1\nbatch_size = 8\nlearning_rate = 0.1\n"
    (tmp_path / "mine.toml").write_text(card + settings + "init = { name = 'a', weights = 'b' }\n")
    assert "unknown setting of mine.toml 'init'" in one_line("pretrain", "--recipe", "mine.toml")


def test_the_options_of_a_run_hold_what_it_began_from(loocbench, tmp_path):
    assert loocbench(*FIRST).code == 0
    assert loocbench("pretrain", "--init", "first", "--name", "mine", "--seed", "1").code == 0
    options = json.loads((tmp_path / "runs" / "mine" / "run.json").read_text())
    assert options["recipe"]["init"]["weights"] == load(tmp_path, "first").card.weights
