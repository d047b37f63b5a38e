"""Recognising ResNets from names and shapes, and what shapes do not tell."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from loocbench.checkpoints.foreign import recognising
from tests.checkpoints.foreign.file_layouts import LAYOUTS, resnet18
from tests.checkpoints.foreign.helpers import (
    assert_features_equal,
    compute_spaces,
    import_file,
    random_images,
)


@pytest.mark.parametrize(
    "name", ["resnet34", "resnet50", "resnet101", "wide_resnet50_2", "resnext50_32x4d", "resnext101_32x8d"]
)
def test_the_architecture_is_recognised_from_shapes(name):
    with torch.device("meta"):
        state = torchvision.models.get_model(name, weights=None).state_dict()
    assert recognising.recognise_by_tensors(state, "").architecture.name.removeprefix("torchvision:") == name


@pytest.mark.parametrize(("family", "padding", "given"), [("solo-learn", 2, None), ("bare", 1, None), ("bare", 2, 2)])
def test_the_stem_for_small_images_is_recognised(family, padding, given, tmp_path):
    net = resnet18()
    net.conv1 = nn.Conv2d(3, 64, 3, 1, padding, bias=False)
    net.maxpool = nn.Identity()
    torch.save(LAYOUTS[family][1](net.state_dict()), tmp_path / "cifar.pth")
    found, checkpoint = import_file(tmp_path / "cifar.pth", stem_padding=given)
    assert any(f"padding {padding}" in note for note in found.notes)
    assert checkpoint.card.preprocessing.image_size == 32
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images(32))["general"], net(random_images(32)))


@pytest.mark.parametrize("layout", ["solo-learn-swav", "solo-learn-old-simsiam"])
def test_every_method_of_solo_learn_has_its_stem_for_small_images(source, layout, tmp_path):
    """The padding is not in the shapes: it follows from whose file it is."""
    small = {**source.state_dict(), "conv1.weight": torch.zeros(64, 3, 3, 3)}
    torch.save(LAYOUTS[layout][1](small), tmp_path / "net.ckpt")
    found, _ = import_file(tmp_path / "net.ckpt")
    assert found.architecture.options == {"stem_padding": 2}


@pytest.mark.parametrize(("layout", "said"), [("bare", True), ("lightly", True), ("moco", False)])
def test_that_a_resnet_is_torchvisions_is_said_to_be_assumed(source, layout, said, tmp_path):
    """Anti-aliasing and the place of the stride have no weights; official scripts build torchvision's own."""
    torch.save(LAYOUTS[layout][1](source.state_dict()), tmp_path / "net.pth")
    found, _ = import_file(tmp_path / "net.pth")
    assert ("assumed a plain ResNet, without anti-aliasing: --arch says otherwise" in found.notes) is said


def test_an_unknown_architecture_says_how_to_name_it(refused, tmp_path):
    torch.save({"w": torch.zeros(2)}, tmp_path / "net.pth")
    assert "name it with --arch NAME, timm:NAME or package.module:function" in refused(tmp_path / "net.pth")
