"""What is only assumed of a checkpoint is said: in a command's output, in the row, and of an export nothing is.

Covers loocbench.models.preprocessing.describe_assumptions from the command line.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision

from loocbench.data import blooms
from loocbench.data.entries import ENTRIES

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")


def measure(loocbench, checkpoint: str) -> tuple[dict, str, str]:
    """Return the stored row of kNN, and what the command printed."""
    said = loocbench("knn", "--label", "color", "--checkpoint", checkpoint, "--results", "results", "--overwrite")
    assert said.code == 0, said
    path = next(line.removeprefix("row: ") for line in said.out.splitlines() if line.startswith("row: "))
    return json.loads(Path(path).read_text()), said.out, said.err


@pytest.fixture
def trained_at_32(loocbench):
    """A run "run" at 32 px, and its export net.pth."""
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18().state_dict(), "source.pth")
    options = ["--arch", "resnet18", "--image-size", "32", "--mean", "0.5", "0.5", "0.5", "--std", "0.5", "0.5", "0.5"]
    assert loocbench("checkpoints", "import", "source.pth", "--name", "run", "--resize", "32", *options).code == 0
    said = loocbench("checkpoints", "export", "run", "--output", "net.pth")
    assert "short side 32 px, crop 32 px, mean 0.5, 0.5, 0.5, std 0.5, 0.5, 0.5" in said.out


def test_bicubic_preprocessing_is_in_rows_exports_and_caches_of_its_own(loocbench, one_line, tmp_path):
    """A model that was trained bilinearly keeps its rows and its cached images."""
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18().state_dict(), "source.pth")
    size = ["--arch", "resnet18", "--image-size", "32", "--mean", "0.5", "0.5", "0.5", "--std", "0.5", "0.5", "0.5"]
    for name, how in (("plain", "bilinear"), ("cubic", "bicubic")):
        options = ["--name", name, *size, "--resize", "32", "--interpolation", how]
        said = loocbench("checkpoints", "import", "source.pth", *options)
        assert said.code == 0, said.err
    assert "unknown interpolation 'cubic'" in one_line(
        "checkpoints", "inspect", "source.pth", "--interpolation", "cubic"
    )
    plain, _, _ = measure(loocbench, "plain")
    assert "interpolation" not in plain["measured_with"]["preprocessing"]
    cubic, _, err = measure(loocbench, "cubic")
    assert cubic["measured_with"]["preprocessing"]["interpolation"] == "bicubic"
    assert "preparing blooms" in err
    assert "short side 32 px (bicubic)" in " ".join(loocbench("checkpoints", "inspect", "cubic").out.split())
    assert loocbench("checkpoints", "export", "cubic", "--output", "cubic.pth").code == 0
    again, _, _ = measure(loocbench, "cubic.pth")
    assert again["measured_with"]["preprocessing"] == cubic["measured_with"]["preprocessing"]


@pytest.mark.usefixtures("trained_at_32")
def test_an_exported_network_is_measured_as_it_was_trained(loocbench):
    """It was measured at 224 px without a word."""
    own, _, _ = measure(loocbench, "run")
    exported, out, err = measure(loocbench, "net.pth")
    assert (exported["image_size"], exported["metrics"]) == (32, own["metrics"])
    assert exported["stated"] == own["stated"] == {}
    assert "assumed" not in out + err


def test_an_assumed_preprocessing_is_said_in_the_output_and_in_the_row(loocbench, monkeypatch):
    few = blooms.make_blooms({"train": 24, "val": 8, "test": 8})  # rendered at 256 px
    monkeypatch.setitem(ENTRIES, "blooms", replace(ENTRIES["blooms"], generate=lambda: few))
    torch.manual_seed(0)
    torch.save(torchvision.models.shufflenet_v2_x0_5().state_dict(), "source.pth")
    row, out, err = measure(loocbench, "source.pth")
    what = (
        "preprocessing ImageNet's (short side 256 px, crop 224 px, mean 0.485, 0.456, 0.406, std 0.229, 0.224, 0.225)"
    )
    assert row["stated"] == {"assumed": what}
    assert f"assumed: {what}" in out
    assert f"assumed of source: {what}" in err


@pytest.mark.parametrize("name", ["resnet50.no_such_tag", "no_such"])
def test_a_model_that_timm_does_not_have_is_one_line(one_line, name):
    pytest.importorskip("timm")
    assert "unknown timm model" in one_line("knn", "--checkpoint", f"random:timm:{name}")


def test_a_deprecated_name_of_timm_is_its_name_of_today(loocbench):
    """``tv_resnet50`` ended in a traceback."""
    timm = pytest.importorskip("timm")
    assert timm
    torch.save(torchvision.models.resnet50().state_dict(), "source.pth")
    said = loocbench("checkpoints", "import", "source.pth", "--name", "old", "--arch", "timm:tv_resnet50", "--json")
    assert json.loads(said.out)["card"]["architecture"]["name"] == "timm:resnet50.tv_in1k"
