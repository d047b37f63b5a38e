"""``loocbench pretrain`` with ViTs of timm: every method, features, resuming, and on from a file.

Covers ``loocbench.models.vit_parts``, ``loocbench.checkpoints.initial_weights``, ``loocbench.exports.exporting``.
"""

import os
import signal

import pytest
import torch

from loocbench.checkpoints import card_file, locate, native
from loocbench.features.encoder import Encoder

timm = pytest.importorskip("timm")
pytestmark = pytest.mark.usefixtures("only_tiny_blooms")
SMALL = ["--image-size", "32", "--batch-size", "32", "--queue-size", "64", "--epochs", "1", "--knn-every", "0"]
VIT = ["pretrain", *SMALL, "--backbone", "timm:test_vit"]


def load(folder, name):
    return native.load(folder / "runs" / name / card_file.FILE)


@pytest.mark.parametrize("method", ["supervised", "moco", "moco++", "looc", "looc++"])
def test_every_method_trains_one_whose_features_are_read_again(loocbench, tmp_path, method):
    said = loocbench(*VIT, "--method", method, "--name", "mine")
    assert said.code == 0, said.err
    checkpoint = load(tmp_path, "mine")
    assert checkpoint.card.recipe.backbone == "timm:test_vit"
    encoder = Encoder.from_checkpoint(checkpoint)
    images = torch.rand(2, 3, 32, 32)
    separate = method in ("moco++", "looc++")
    dims = {name: encoder(images, name).shape[1] for name in encoder.spaces}
    if method == "supervised":
        assert dims == {"looc": 64}
    else:
        count = len(checkpoint.card.spaces)
        assert dims["looc++"] == (64 if separate else 128) * count
    assert encoder(images, "block:-1").shape == (2, 128)
    assert loocbench("knn", "--checkpoint", "mine", "--features", "block:2").code == 0


def test_inspect_lists_blocks_and_the_untrained_twin_is_timms_network(loocbench, tmp_path):
    assert loocbench(*VIT, "--method", "looc++", "--name", "mine").code == 0
    inspected = " ".join(loocbench("checkpoints", "inspect", "mine").out.split())
    assert "timm:test_vit" in inspected
    assert "block:0" in inspected
    twin = locate.load("random:mine", runs=tmp_path / "runs")
    assert twin.card.architecture.options == {"img_size": 32}
    assert Encoder.from_checkpoint(twin)(torch.rand(1, 3, 32, 32)).shape == (1, 64)


def test_it_resumes_bit_for_bit(loocbench, one_line, tmp_path, monkeypatch):
    from loocbench.pretraining.loop import Run

    command = [*VIT, "--method", "looc++", "--epochs", "2"]
    assert loocbench(*command, "--name", "straight").code == 0
    real = Run._step

    def step(self, batch):
        if self.steps_done + 1 == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return real(self, batch)

    monkeypatch.setattr(Run, "_step", step)
    one_line(*command, "--name", "mine", code=143)
    monkeypatch.setattr(Run, "_step", real)
    assert loocbench("pretrain", "--resume", "mine").code == 0
    assert load(tmp_path, "mine").card.weights == load(tmp_path, "straight").card.weights


def test_a_file_of_timm_begins_looc_plus_plus_in_images_of_another_size(loocbench, tmp_path):
    """Weights barely move at this rate: they are the file's, its positions those that timm resamples."""
    torch.manual_seed(0)
    net = timm.create_model("vit_tiny_patch16_224", img_size=64)
    torch.save(net.state_dict(), tmp_path / "theirs.pth")
    one_step = ["--batch-size", "96", "--learning-rate", "1e-9", "--weight-decay", "0"]
    said = loocbench("pretrain", "--init", "theirs.pth", *SMALL, "--method", "looc++", *one_step, "--name", "begun")
    assert said.code == 0, said.err
    assert "positions of 4 x 4 patches resampled to 2 x 2; new heads: invariant, color, rotation" in said.err
    assert "not taken: head.weight" in said.err or "not taken: nothing" in said.err
    begun = load(tmp_path, "begun")
    assert begun.card.recipe.backbone == "timm:vit_tiny_patch16_224"
    net.set_input_size((32, 32))
    torch.testing.assert_close(begun.weights["trunk.vit.pos_embed"], net.pos_embed.detach())
    for space in ("invariant", "color", "rotation"):
        torch.testing.assert_close(
            begun.weights[f"stages.{space}.vit.blocks.11.mlp.fc1.weight"], net.blocks[11].mlp.fc1.weight
        )
        torch.testing.assert_close(begun.weights[f"stages.{space}.vit.norm.weight"], net.norm.weight)


def test_on_from_a_run_and_out_under_timms_names(loocbench, one_line, tmp_path):
    assert loocbench(*VIT, "--method", "looc++", "--name", "first").code == 0
    said = loocbench("pretrain", "--init", "first", "--method", "looc", "--name", "second", "--image-size", "48")
    assert said.code == 0, said.err
    assert "general from invariant); positions of 2 x 2 patches resampled to 3 x 3; new heads" in said.err
    export = ["checkpoints", "export", "second", "--output", "out.safetensors", "--format"]
    assert "has no layout of timm:test_vit" in one_line(*export, "torchvision")
    assert loocbench(*export, "timm").code == 0
    images = torch.rand(2, 3, 48, 48)
    expected = Encoder.from_checkpoint(load(tmp_path, "second"))(images, "looc")
    again = locate.load("out.safetensors")
    assert again.card.architecture.name == "timm:test_vit"
    torch.testing.assert_close(Encoder.from_checkpoint(again)(images, "looc"), expected, rtol=0, atol=1e-6)
    space = ["checkpoints", "export", "first", "--output", "color.pth", "--format", "timm"]
    assert "name one with --space: invariant, color" in one_line(*space)
    assert loocbench(*space, "--space", "color").code == 0


def test_what_cannot_be_trained_is_one_line(one_line):
    assert "is not a plain ViT" in one_line("pretrain", *SMALL, "--backbone", "timm:swin_tiny_patch4_window7_224")
    assert "give --image-size 48" in one_line(*VIT, "--image-size", "50")
    assert "unknown timm model 'vit_nano'" in one_line("pretrain", *SMALL, "--backbone", "timm:vit_nano")
    refused = one_line("pretrain", "--init", "random:timm:swin_tiny_patch4_window7_224")
    assert "or a plain ViT of timm" in refused
