"""``loocbench.checkpoints.foreign.importing``: its card, its use by every command, and a user's own architecture.

Covers ``loocbench.checkpoints.foreign.inspecting``.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torchvision

import loocbench
from loocbench.checkpoints.foreign import preprocessing
from loocbench.pretraining.labels import model_label
from loocbench.types import CheckpointCard
from tests.checkpoints.foreign.file_layouts import seeded
from tests.checkpoints.foreign.helpers import (
    IndependentResNet20,
    assert_features_equal,
    compute_spaces,
    import_file,
    random_images,
    save_file_as,
    write_own_checkpoint,
)


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
def test_the_sound_file_imports(weights, loocbench, tmp_path, name):
    said = loocbench("checkpoints", "import", save_file_as(weights, tmp_path / name), "--name", "x", "--json")
    assert said.code == 0, said
    assert json.loads(said.out)["card"]["architecture"]["name"] == "torchvision:shufflenet_v2_x0_5"


def test_the_card_tells_the_source_and_what_is_not_known(tmp_path):
    net = torchvision.models.shufflenet_v2_x0_5()
    torch.save(net.state_dict(), tmp_path / "my net (1).pth")
    _, checkpoint = import_file(tmp_path / "my net (1).pth")
    card = checkpoint.card
    assert card.name == model_label(card) == "my-net-1"
    assert (card.format, card.recipe, card.dataset) == (2, None, "unknown")
    assert card.source.sha256 in str(card.source)
    assert card.source.preprocessing == "assumed: ImageNet's"
    assert CheckpointCard.model_validate_json(card.model_dump_json()) == card


def test_a_foreign_file_is_a_checkpoint_of_every_command(tmp_path):
    net = seeded(torchvision.models.shufflenet_v2_x0_5())
    torch.save(net.state_dict(), tmp_path / "net.pth")
    encoder = loocbench.load(tmp_path / "net.pth")
    assert encoder.spaces == ["looc"]
    assert encoder(torch.zeros(1, 3, 224, 224)).shape == (1, 1024)


@pytest.mark.usefixtures("only_tiny_blooms")
def test_a_foreign_model_stands_in_the_table_beside_a_run_and_a_random_network(tmp_path, trained, monkeypatch):
    from typer.testing import CliRunner

    from loocbench.cli import app

    torch.save(torchvision.models.shufflenet_v2_x0_5().state_dict(), tmp_path / "net.pth")

    def run(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    run("checkpoints", "import", tmp_path / "net.pth", "--name", "shuffle", "--image-size", "32")
    for reference in ("shuffle", "random:shuffle", trained["looc"]):
        run("probe", "--checkpoint", reference)
    (path,) = Path("results/local").glob("shuffle-*/*.json")
    row = json.loads(path.read_text())
    assert (row["backbone"], row["image_size"], row["recipe"]) == ("torchvision:shufflenet_v2_x0_5", 32, None)
    assert row["source"].startswith("net.pth, SHA-256 ")
    table = run("report", "--output", "results/local")
    assert "shuffle" in table
    page = Path("results/local/table.md").read_text()
    assert "unknown images, torchvision:shufflenet_v2_x0_5 at 32 px" in page.replace("\\", "")
    assert "nothing, torchvision:shufflenet_v2_x0_5 at 32 px" in page.replace("\\", "")


def test_an_architecture_of_ones_own_as_documented(own_module, tmp_path):
    state = write_own_checkpoint(tmp_path / "net.th", own_module)
    overrides = preprocessing.PreprocessingOverrides(image_size=32, resize=32)
    found, checkpoint = import_file(tmp_path / "net.th", arch=f"{own_module}:resnet20", preprocessing=overrides)
    assert found.left_out == {"linear": 2}
    assert checkpoint.card.preprocessing.resize == 32
    with torch.inference_mode():
        assert_features_equal(
            compute_spaces(checkpoint, random_images(32))["general"], IndependentResNet20(state)(random_images(32))
        )


@pytest.mark.realdata
def test_the_real_cifar_network_imports_as_documented(real_weights, own_module):
    path = real_weights / "cifar10-resnet20-12fca82f.th"
    _, checkpoint = import_file(path, arch=f"{own_module}:resnet20")
    state = torch.load(path, weights_only=True, map_location="cpu")["state_dict"]
    plain = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    with torch.inference_mode():
        assert_features_equal(
            compute_spaces(checkpoint, random_images(32))["general"], IndependentResNet20(plain)(random_images(32))
        )


@pytest.mark.slow
def test_the_documented_conversion_makes_tensors_of_what_is_refused(loocbench, refused, tmp_path):
    """docs/checkpoints.md's convert.py, here without its container, on a pickled module and on TorchScript."""
    page = (Path(__file__).parents[3] / "docs" / "checkpoints.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(# convert\.py.*?)```", page, re.DOTALL)
    (tmp_path / "convert.py").write_text(code)
    net = torchvision.models.shufflenet_v2_x0_5().eval()
    torch.save(net, tmp_path / "module.pth")
    torch.jit.save(torch.jit.trace(net, torch.zeros(1, 3, 64, 64)), tmp_path / "script.pt")
    for name, why in (("module.pth", "code that weights do not need"), ("script.pt", "TorchScript archive")):
        assert why in refused(tmp_path / name)
        out = tmp_path / f"{name}.safetensors"
        subprocess.run([sys.executable, "convert.py", tmp_path / name, out], check=True, capture_output=True)
        said = loocbench("checkpoints", "inspect", out, "--json")
        assert json.loads(said.out)["complete"] is True
