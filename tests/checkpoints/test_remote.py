"""loocbench.checkpoints.remote: models of torchvision and timm are fetched as files and read like any foreign file."""

from __future__ import annotations

import json

import pytest
import torch
import torchvision
from safetensors.torch import save, save_file

import loocbench
from loocbench.checkpoints import hub, locate, remote
from loocbench.errors import UserError
from tests.checkpoints.foreign.file_layouts import resnet18
from tests.checkpoints.foreign.vit_layouts import (
    perturbed,
)


def test_torchvisions_weights_are_fetched_into_torchs_cache_and_read_as_any_file(tmp_path, monkeypatch):
    """Its downloader is replaced by one that writes the file; the hash that it is asked to check is the name's."""
    net = torchvision.models.shufflenet_v2_x0_5()
    asked = []

    def download(url, place, mark, progress):
        asked.append((url.rpartition("/")[2], mark))
        torch.save(net.state_dict(), place)

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    checkpoint = remote.load("torchvision:shufflenet_v2_x0_5")
    again = remote.load("torchvision:shufflenet_v2_x0_5:IMAGENET1K_V1")
    assert asked == [("shufflenetv2_x0.5-f707e7126e.pth", "f707e7126e")]
    assert checkpoint.card.weights == again.card.weights
    assert str(checkpoint.card.source).startswith("torchvision:shufflenet_v2_x0_5:IMAGENET1K_V1, SHA-256 ")


def test_a_failed_download_is_one_line(tmp_path, monkeypatch):
    def download(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(UserError, match=r"cannot fetch https://.*no route to host; download it elsewhere"):
        locate.load("torchvision:resnet18")


def test_timms_pretrained_weights_are_fetched_and_read_as_any_file(tmp_path, monkeypatch):
    """The hub is replaced at its seam by a file; the commit that it names is recorded."""
    timm = pytest.importorskip("timm")
    net = perturbed(timm.create_model("mobilenetv3_small_050", pretrained=False))
    save_file(net.state_dict(), tmp_path / "model.safetensors")
    asked = []

    def fetch(repository, revision, names=()):
        asked.append(repository)
        return hub.HubFiles(tmp_path / "model.safetensors", "c0ffee", None)

    monkeypatch.setattr(hub, "fetch", fetch)
    card = locate.load("timm:mobilenetv3_small_050").card
    assert asked == ["timm/mobilenetv3_small_050.lamb_in1k"]
    assert str(card.source).startswith("timm:mobilenetv3_small_050.lamb_in1k@c0ffee, SHA-256 ")


def test_a_timm_repository_states_architecture_and_preprocessing(repository):
    timm = pytest.importorskip("timm")
    net = timm.create_model("mobilenetv3_small_050", pretrained=False)
    config = {
        "architecture": "mobilenetv3_small_050",
        "pretrained_cfg": {"input_size": [3, 96, 96], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "crop_pct": 1.0},
    }
    repository.commit({"model.safetensors": save(net.state_dict()), "config.json": json.dumps(config).encode()})
    card = loocbench.load("hf:me/birds").card
    assert card.backbone == "timm:mobilenetv3_small_050"
    assert (card.preprocessing.resize, card.preprocessing.image_size) == (96, 96)
    assert card.preprocessing.mean == (0.5, 0.5, 0.5)


def test_what_a_timm_repository_says_of_its_model_is_built(repository):
    """Six heads for the usual three and pooling over patches: neither is in the tensors' shapes."""
    timm = pytest.importorskip("timm")
    options = {"num_heads": 6, "fc_norm": False, "depth": 1, "img_size": 32}
    net = timm.create_model("vit_tiny_patch16_224", num_classes=0, global_pool="avg", **options).eval()
    config = {
        "architecture": "vit_tiny_patch16_224",
        "global_pool": "avg",
        "model_args": options,
        "pretrained_cfg": {"input_size": [3, 32, 32], "crop_pct": 1.0, "crop_mode": "squash"},
    }
    repository.commit({"model.safetensors": save(net.state_dict()), "config.json": json.dumps(config).encode()})
    encoder = loocbench.load("hf:me/birds")
    assert encoder.card.architecture.options == {**options, "global_pool": "avg"}
    assert "its own crop mode is squash" in encoder.card.source.preprocessing
    images = torch.rand(2, 3, 32, 32)
    mean, std = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.inference_mode():
        torch.testing.assert_close(encoder(images), net((images - mean) / std))


@pytest.mark.parametrize(
    "options", [{"norm_layer": "rmsnorm"}, {"depth": 10**6}, {"num_heads": True}, {"img_size": None}]
)
def test_what_cannot_be_built_as_a_repository_says_is_refused(repository, options):
    pytest.importorskip("timm")
    config = {"architecture": "vit_tiny_patch16_224", "model_args": options, "pretrained_cfg": {}}
    repository.commit({"model.safetensors": b"", "config.json": json.dumps(config).encode()})
    with pytest.raises(UserError, match=r"wants a vit_tiny_patch16_224 with .* which loocbench cannot build"):
        locate.load("hf:me/birds")


@pytest.mark.parametrize(
    "config",
    ["no JSON", "[]", "[" * 200_000, '{"architecture": "resnet18", "pretrained_cfg": {"input_size": "large"}}'],
)
def test_a_configuration_that_makes_no_sense_is_passed_over(repository, config):
    repository.commit({"model.safetensors": save(resnet18().state_dict()), "config.json": config.encode()})
    card = locate.load("hf:me/birds").card
    assert card.backbone.removeprefix("timm:") == "resnet18"
    assert card.preprocessing.image_size == 224
    assert "its timm configuration" not in card.source.preprocessing


def test_a_configuration_of_any_size_is_not_read(repository):
    repository.commit({"model.safetensors": save(resnet18().state_dict()), "config.json": b" " * 16_000_001})
    with pytest.raises(UserError, match=r"the config\.json of me/birds is too large"):
        locate.load("hf:me/birds")
