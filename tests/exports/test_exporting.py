"""Exports: what other libraries load strictly, and what comes back the same.

Covers loocbench.exports.exporting and loocbench.exports.onnx_export; tests/checkpoints/test_hub.py covers
loocbench.exports.model_card.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torchvision
from torch import nn

from loocbench.checkpoints import locate, native, untrained
from loocbench.checkpoints.foreign import importing, inspecting
from loocbench.errors import UserError
from loocbench.exports import exporting
from loocbench.features.encoder import Encoder
from loocbench.jobs import checkpoints as job
from loocbench.models.network import Network
from tests.checkpoints.foreign.helpers import assert_features_equal, compute_spaces, random_images
from tests.conftest import tiny_recipe


def export(reference, layout: str, output: str, **choice) -> str:
    options = {"space": None, "features": None, "seed": 0, **choice}
    return job.export_checkpoint(str(reference), layout, Path(output), Path("runs"), **options)


@pytest.mark.parametrize("output", ["net.pth", "net.safetensors"])
@pytest.mark.parametrize("name", ["resnet18", "shufflenet_v2_x0_5"])
def test_export_then_import_is_the_identity(tmp_path, name, output):
    net = torchvision.models.get_model(name, weights=None)
    torch.save(net.state_dict(), tmp_path / "source.pth")
    first = locate.load("source.pth")
    export("source.pth", "torchvision", output)
    again = importing.convert_to_checkpoint(inspecting.inspect_file(Path(output)), inspecting.ImportOptions())
    assert again.card.weights == first.card.weights
    assert again.card.spaces == first.card.spaces


def test_torchvision_and_timm_load_an_exported_resnet_strictly():
    timm = pytest.importorskip("timm")
    checkpoint = locate.load("random:resnet18")
    export("random:resnet18", "torchvision", "net.pth")
    export("random:resnet18", "timm", "timm.pth")
    theirs = torchvision.models.resnet18()
    theirs.fc = nn.Identity()
    timms = timm.create_model("resnet18", num_classes=0)
    for net, file in ((theirs, "net.pth"), (timms, "timm.pth")):
        net.load_state_dict(torch.load(file, weights_only=True), strict=True)
        with torch.inference_mode():
            assert_features_equal(net.eval()(random_images()), compute_spaces(checkpoint, random_images())["general"])


def looc_plus() -> native.Checkpoint:
    """LooC++ on a ResNet-18, untrained."""
    recipe = tiny_recipe("looc++", backbone="resnet18")
    spaces = ("invariant", "color", "rotation")
    card = untrained.build_checkpoint("resnet18", 0).card.model_copy(update={"recipe": recipe, "spaces": spaces})
    network = Network(recipe.backbone, spaces, separate=True, embedding_dim=recipe.embedding_dim)
    return native.Checkpoint(card, network.state_dict(), "looc++")


def test_a_space_with_its_own_last_stage_is_exported_by_name():
    checkpoint = looc_plus()
    with pytest.raises(UserError, match="name one with --space: invariant, color, rotation"):
        exporting.rename_tensors(checkpoint, "torchvision")
    with pytest.raises(UserError, match=r"unknown space 'colour'\. Did you mean 'color'"):
        exporting.rename_tensors(checkpoint, "torchvision", "colour")
    net = torchvision.models.resnet18()
    net.fc = nn.Identity()
    net.load_state_dict(exporting.rename_tensors(checkpoint, "torchvision", "color"), strict=True)
    with torch.inference_mode():
        assert_features_equal(net.eval()(random_images()), compute_spaces(checkpoint, random_images())["color"])


@pytest.mark.slow
def test_torchvisions_vit_under_timms_names():
    timm = pytest.importorskip("timm")
    checkpoint = locate.load("random:vit_b_32")
    net = timm.create_model("vit_base_patch32_224", num_classes=0)
    net.load_state_dict(exporting.rename_tensors(checkpoint, "timm"), strict=True)
    with torch.inference_mode():
        found = net.eval()(random_images(224))
        expected = compute_spaces(checkpoint, random_images(224))["general"]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)  # attention is computed in another order


@pytest.mark.parametrize("features", ["looc", "looc+head:invariant"])
def test_onnx_gives_the_same_features_for_any_number_of_images(features):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    said = export("random:resnet8", "onnx", "net.onnx", features=features)
    assert said.startswith(f"images in [0, 1] at 32 px -> {features}; ONNX Runtime's features differ")
    pixels = torch.rand(5, 3, 32, 32)
    session = runtime.InferenceSession("net.onnx")
    (found,) = session.run(None, {"images": pixels.numpy()})
    stated = session.get_modelmeta().custom_metadata_map
    assert json.loads(stated["loocbench_export"])["preprocessing"]["image_size"] == 32
    assert stated["images"] == (
        "RGB in [0, 1], resized bilinearly and cropped to the centre; the graph normalises them "
        "(short side 37 px, crop 32 px, mean 0.485, 0.456, 0.406, std 0.229, 0.224, 0.225)"
    )
    expected = Encoder.from_checkpoint(locate.load("random:resnet8"))(pixels, features)
    torch.testing.assert_close(torch.from_numpy(found), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("reference", "layout", "output", "message"),
    [
        ("random:resnet8", "torchvision", "net.pth", "torchvision has no resnet8 like this one"),
        ("random:shufflenet_v2_x0_5", "timm", "net.pth", "timm has no layout of torchvision:shufflenet_v2_x0_5"),
        ("random:resnet8", "tensorflow", "net.pb", "unknown format 'tensorflow'"),
        ("random:resnet8", "onnx", "net.pth", "net.pth does not end in .onnx"),
        ("random:resnet8", "torchvision", "net.onnx", "does not end in .pth or .pt or .safetensors"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_leaves_no_file(reference, layout, output, message):
    with pytest.raises(UserError, match=message):
        export(reference, layout, output)
    assert not Path(output).exists()
