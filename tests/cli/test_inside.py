"""``--features`` inside a network, in every command that takes it.

Covers ``loocbench.cli.describing_checkpoints``, ``loocbench.cli.sensitivity``.
"""

import json

import numpy as np
import pytest
import torch

import loocbench as package
from tests.cli.conftest import QUICKER

pytestmark = pytest.mark.usefixtures("only_tiny_blooms", "draft_pictures")
NET = ["--checkpoint", "random:resnet8"]


def test_rows_and_caches_tell_stages_apart(loocbench, tmp_path):
    rows = {}
    for name in ("stage:1", "stage:-1", "stage:3", "looc", "stage:1+looc"):
        said = loocbench("knn", *NET, "--features", name, "--json")
        assert said.code == 0, said.err
        rows[name] = json.loads(said.out)
        assert rows[name]["features"] == name
    assert rows["stage:-1"]["metrics"] == rows["stage:3"]["metrics"] == rows["looc"]["metrics"]
    assert rows["stage:1"]["metrics"] != rows["looc"]["metrics"]
    files = {path.name for path in (tmp_path / "results").rglob("*.json")}
    assert {name.split(".")[2] for name in files} == {"stage-1", "stage--1", "stage-3", "looc", "stage-1+looc"}
    again = loocbench("knn", *NET, "--features", "stage:1")
    assert "measured before, kept" in again.err
    assert "stage:1" in loocbench("report").out


def test_python_reads_inside_too():
    encoder = package.load("random:resnet8")
    images = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    assert torch.equal(encoder(images, features="stage:-1"), encoder(images))
    assert encoder(images, features="stage:1+looc").shape == (2, 16 + 64)


@pytest.mark.parametrize(
    "command",
    [
        ["probe"],
        ["probe", "--solver", "ridge"],
        ["retrieve"],
        ["rotation"],
        ["few-shot", "--dataset", "blooms", "--shots", "2"],
        ["map", "--method", "pca", "--limit", "40"],
        ["gallery"],
        ["evaluate", "--task", "linear/blooms-color"],
        ["probe", "--dry-run"],
        ["run", "blooms-existing.toml"],
    ],
    ids=" ".join,
)
def test_commands_take_it(loocbench, tmp_path, command):
    suite = "suite = 'mine'\nversion = 1\ntitle = ''\ndescription = ''\ncost = ''\ntasks = ['knn/blooms']\n"
    (tmp_path / "blooms-existing.toml").write_text(suite)
    said = loocbench(*command, *NET, "--features", "stage:2")
    assert said.code == 0, said.err


def test_onnx_holds_it(loocbench, tmp_path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    out = tmp_path / "net.onnx"
    command = ["checkpoints", "export", "random:resnet8", "--format", "onnx", "--features", "stage:2"]
    said = loocbench(*command, "--output", out)
    assert said.code == 0, said.err
    images = torch.rand(1, 3, 32, 32)
    (found,) = runtime.InferenceSession(str(out)).run(None, {"images": images.numpy()})
    expected = package.load("random:resnet8")(images, features="stage:2").numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_inspect_lists_what_is_offered_with_dimensions(loocbench, tmp_path):
    assert loocbench("pretrain", "--method", "looc++", "--name", "mine", *QUICKER).code == 0
    said = " ".join(loocbench("checkpoints", "inspect", "mine").out.replace("│", " ").split())
    assert "looc++ (192-d), head:invariant (64-d)" in said
    assert "stage:1 (16-d), stage:2 (32-d), projection:invariant (128-d)" in said
    features = json.loads(loocbench("checkpoints", "inspect", "mine", "--json").out)["features"]
    assert features["projection:color"] == 128
    probed = loocbench("knn", "--checkpoint", "mine", "--features", "projection:color")
    assert probed.code == 0, probed.err


def test_inspect_of_a_foreign_vit(loocbench, tmp_path):
    timm = pytest.importorskip("timm")
    net = timm.create_model("vit_tiny_patch16_224", pretrained=False, num_classes=0, depth=3)
    torch.save(net.state_dict(), tmp_path / "vit.pth")
    found = json.loads(loocbench("checkpoints", "inspect", "vit.pth", "--json").out)["features"]
    assert found["block:2"] == 384
    assert found["blocks:-3"] == 4 * 192
    said = " ".join(loocbench("checkpoints", "inspect", "vit.pth").out.replace("│", " ").split())
    assert "block:0 … block:2 (384-d each), blocks:-3 (768-d)" in said


def test_wrong_numbers_are_told_what_there_is(one_line):
    said = one_line("knn", *NET, "--features", "stage:4")
    assert (
        said
        == "loocbench: this network has no features 'stage:4'; inside it are stage:1 to stage:3, projection:invariant."
    )
    assert "inside it are stage:1 to stage:3" in one_line("probe", *NET, "--features", "looc+block:-1")
    assert "inside it are stage:1" in one_line("sensitivity", *NET, "--features", "blocks:-4")


@pytest.mark.usefixtures("short")
def test_sensitivity_over_depth_is_one_heat_map(loocbench, tmp_path):
    said = loocbench("sensitivity", *NET, "--features", "every-block", "--picture", "depth.png", "--json")
    assert said.code == 0, said.err
    assert [row["features"] for row in json.loads(said.out)["rows"]] == ["stage:1", "stage:2", "stage:3"]
    assert (tmp_path / "depth.png").exists()
