"""loocbench.checkpoints.initial_weights: which tensors of a checkpoint a run begins from."""

from __future__ import annotations

import pytest
import torch
import torchvision

from loocbench.checkpoints import initial_weights, locate
from loocbench.errors import UserError
from loocbench.pretraining import recipes
from loocbench.pretraining.networks import build_network
from tests.conftest import tiny_recipe


def begin(reference, method="looc++", **changes):
    """The network of a run that begins from a checkpoint, and the lines that are said."""
    checkpoint = locate.load(str(reference))
    recipe = tiny_recipe(method, **{"backbone": initial_weights.find_settings(checkpoint)["backbone"], **changes})
    taken = initial_weights.take_weights(checkpoint, recipe)
    network = build_network(recipe)
    network.load_state_dict({**network.state_dict(), **taken.tensors})
    return network.eval(), taken


@torch.inference_mode()
def pooled(network, images):
    """The output of each last stage, by name."""
    return network.features(images)


@pytest.fixture
def images():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def save_torchvision(folder, name):
    """A state dict of torchvision with its classifier, and the function that it is of without it."""
    torch.manual_seed(1)
    net = torchvision.models.get_model(name, weights=None).eval()
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(std=0.1)
    torch.save(net.state_dict(), folder / f"{name}.pth")
    return folder / f"{name}.pth", net


def test_every_last_stage_of_looc_plus_plus_begins_from_torchvisions_last_stage(tmp_path, images):
    """Its witness: torchvision's own forward pass, before the classifier."""
    file, net = save_torchvision(tmp_path, "resnet18")
    network, taken = begin(file)
    net.fc = torch.nn.Identity()
    with torch.inference_mode():
        expected = net(images)
    features = pooled(network, images)
    assert set(features) == {"invariant", "color", "rotation"}
    for values in features.values():
        torch.testing.assert_close(values, expected)
    first, second = taken.lines
    assert "begins from resnet18 (weights " in first
    assert "90 tensors of the trunk, 30 of each of 3 last stages; new heads: invariant, color, rotation" in first
    assert second == "not taken: nothing"


def test_a_mobilenet_begins_a_run(tmp_path, images):
    file, net = save_torchvision(tmp_path, "mobilenet_v2")
    network, _ = begin(file, "moco")
    with torch.inference_mode():
        expected = net.features(images).mean(dim=(2, 3))
    torch.testing.assert_close(pooled(network, images)["general"], expected)
    assert network.stages["general"][0].conv[1][0].stride == (2, 2)  # the blocks of 160 channels and what follows


def test_timms_resnet_is_torchvisions(images):
    timm = pytest.importorskip("timm")
    network, _ = begin("random:timm:resnet18", "moco")
    torch.manual_seed(0)
    net = timm.create_model("resnet18", pretrained=False, num_classes=0).eval()
    with torch.inference_mode():
        torch.testing.assert_close(pooled(network, images)["general"], net(images))


def test_stages_of_looc_plus_plus_keep_their_names_and_others_take_the_first(trained):
    theirs = locate.load(str(trained["looc++"])).weights
    again, _ = begin(trained["looc++"], "looc++", augmentations=["color", "rotation", "texture"])
    first = "0.conv1.weight"
    for stage, origin in (("color", "color"), ("texture", "invariant"), ("invariant", "invariant")):
        torch.testing.assert_close(again.stages[stage].state_dict()[first], theirs[f"stages.{origin}.{first}"])
    one, taken = begin(trained["looc++"], "looc")
    torch.testing.assert_close(one.stages["general"].state_dict()[first], theirs[f"stages.invariant.{first}"])
    assert "of the last stage (general from invariant); new heads" in taken.lines[0]
    assert "stages.color (" in taken.lines[1]
    assert "heads.rotation (4)" in taken.lines[1]


def test_heads_are_new(trained):
    checkpoint = locate.load(str(trained["looc"]))
    _, taken = begin(trained["looc"], "looc")
    assert not [name for name in taken.tensors if name.startswith("heads.")]
    assert set(checkpoint.weights) - set(taken.tensors) == {
        name for name in checkpoint.weights if name.startswith("heads.")
    }


def test_the_settings_are_the_checkpoints(trained, tmp_path):
    own = locate.load(str(trained["looc++"]))
    settings = initial_weights.find_settings(own)
    made = recipes.make(**settings)
    assert made == own.card.recipe
    file, _ = save_torchvision(tmp_path, "resnet18")
    settings = initial_weights.find_settings(locate.load(str(file)))
    assert (settings["backbone"], settings["image_size"]) == ("resnet18", 224)
    assert settings["learning_rate"] == recipes.DEFAULTS["learning_rate"]
    untrained = initial_weights.find_settings(locate.load("random:resnet8"))
    assert (untrained["method"], untrained["backbone"], untrained["image_size"]) == ("looc", "resnet8", 32)


def test_the_origin_names_the_file_and_its_hash(tmp_path, trained):
    file, _ = save_torchvision(tmp_path, "resnet18")
    card = locate.load(str(file)).card
    origin = initial_weights.describe_origin(card)
    assert (origin.name, origin.weights, origin.dataset) == ("resnet18", card.weights, "unknown")
    assert origin.source == f"resnet18.pth, SHA-256 {card.source.sha256}"
    own = initial_weights.describe_origin(locate.load(str(trained["moco"])).card)
    assert (own.name, own.source, own.dataset) == ("moco", "", "blooms")
    assert initial_weights.describe_origin(locate.load("random:resnet8").card).dataset == "nothing"


def test_other_normalisation_is_said(tmp_path):
    pytest.importorskip("timm")
    _, taken = begin("random:timm:resnet18", "moco")
    assert "its images had" not in taken.lines[1]
    checkpoint = locate.load("random:timm:resnet18")
    card = checkpoint.card.model_copy(
        update={"preprocessing": checkpoint.card.preprocessing.model_copy(update={"mean": (0.5, 0.5, 0.5)})}
    )
    other = type(checkpoint)(card, checkpoint.weights, checkpoint.where)
    lines = initial_weights.take_weights(other, tiny_recipe("moco", backbone="resnet18")).lines
    assert "its images had mean 0.5 0.5 0.5 and std 0.229 0.224 0.225, these have ImageNet's" in lines[1]


@pytest.mark.parametrize(
    ("reference", "backbone", "message"),
    [
        ("random:resnet18", "resnet8", "is a resnet18, which cannot begin a resnet8; state --backbone resnet18"),
        ("random:torchvision:vit_b_16", "resnet8", "is a torchvision:vit_b_16, which pretrain cannot train"),
        ("random:shufflenet_v2_x0_5", "resnet8", "begin from one of resnet8"),
    ],
)
def test_what_does_not_fit_is_refused(reference, backbone, message):
    checkpoint = locate.load(reference)
    with pytest.raises(UserError, match=message):
        initial_weights.take_weights(checkpoint, tiny_recipe("moco", backbone=backbone))


def test_a_resnet_with_another_stem_is_refused_and_the_tensor_named(tmp_path):
    net = torchvision.models.resnet18()
    net.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
    torch.save(net.state_dict(), tmp_path / "small.pth")
    checkpoint = locate.load(str(tmp_path / "small.pth"))
    with pytest.raises(UserError, match=r"trunk.conv1.weight is \[64, 3, 3, 3\], not \[64, 3, 7, 7\]"):
        initial_weights.take_weights(checkpoint, tiny_recipe("moco", backbone="resnet18"))
