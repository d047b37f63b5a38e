"""Features inside a network: stages and blocks beside the layers' own outputs, and what is offered.

Covers ``loocbench.models.inside``, ``loocbench.models.library_layers``.
"""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from loocbench.models import architectures
from loocbench.models.inside import describe_inside, measure_dimensions, read_inside
from loocbench.models.network import Network
from loocbench.types import Architecture


def build(name, spaces=(), **fields):
    torch.manual_seed(0)
    return architectures.build_architecture(Architecture(name=name, **fields), spaces).eval()


@torch.inference_mode()
def read(network, features, images):
    """What ``--features`` of this name joins."""
    parts = describe_inside(network).parse(features)
    every = read_inside(network, parts).forward_spaces(images)
    plain = network.forward_spaces(images)
    for name, values in plain.items():  # what is read inside does not change what is outside
        torch.testing.assert_close(every[name], values)
    assert set(every) == {*plain, *parts}
    return torch.cat([every[part] for part in parts], dim=1)


def measure_inside(network, size):
    """The dimensions of the names that are offered inside a network."""
    dims, offered = measure_dimensions(network, size), describe_inside(network)
    return {name: sum(dims[part] for part in offered.parse(name)) for name in offered.list_names()}


@pytest.fixture
def images():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_stages_of_torchvisions_resnet_are_its_layers_pooled(images):
    """Its witness: torchvision's feature extraction."""
    from torchvision.models.feature_extraction import create_feature_extractor

    network = build("resnet18")
    whole = torchvision.models.resnet18().eval()
    state = {f"layer4.{name}": value for name, value in network.stages["general"].state_dict().items()}
    whole.load_state_dict({**whole.state_dict(), **network.trunk.state_dict(), **state})
    witness = create_feature_extractor(whole, {f"layer{number}": str(number) for number in range(1, 5)})
    with torch.inference_mode():
        expected = witness(images)
    for number in range(1, 5):
        pooled = expected[str(number)].mean(dim=(2, 3))
        torch.testing.assert_close(read(network, f"stage:{number}", images), pooled)
        torch.testing.assert_close(read(network, f"stage:{number - 5}", images), pooled)
    assert measure_inside(network, 64) == {"stage:1": 64, "stage:2": 128, "stage:3": 256, "stage:4": 512}


def test_a_small_resnet_has_three_stages_and_its_heads_projections(images):
    network = build("resnet8", ("invariant", "color"), embedding_dim=4)
    assert measure_inside(network, 32) == {
        "stage:1": 16,
        "stage:2": 32,
        "stage:3": 64,
        "projection:invariant": 4,
        "projection:color": 4,
    }
    with torch.inference_mode():
        spaces = network.forward_spaces(images)
    torch.testing.assert_close(read(network, "stage:3", images), spaces["general"])
    torch.testing.assert_close(read(network, "projection:color", images), spaces["color"])


def test_looc_plus_plus_offers_what_is_before_and_after_its_projections(images):
    network = build("resnet8", ("invariant", "color"), separate=True, embedding_dim=4)
    assert describe_inside(network).stages == 2  # the last ones are head:NAME
    after = read(network, "projection:color", images)
    with torch.inference_mode():
        before = network.features(images)["color"]
        expected = nn.functional.normalize(network.heads["color"](before), dim=1)
    torch.testing.assert_close(after, expected)


def test_blocks_of_torchvisions_vit_are_what_its_layers_give(images):
    """Its witness: hooks on the layers."""
    net = torchvision.models.VisionTransformer(64, 16, 3, 2, 32, 64, num_classes=5).eval()
    net.heads = nn.Identity()
    from loocbench.models import library_layers, library_network

    network = library_network.wrap_vit(
        net, library_layers.forward_torchvision_tokens, 1, (), library_layers.read_torchvision_blocks, 3
    )
    seen = []
    for layer in net.encoder.layers:
        layer.register_forward_hook(lambda _, __, output: seen.append(output))
    with torch.inference_mode():
        net(images)
        tokens = [net.encoder.ln(output) for output in seen]
    middle = torch.cat([tokens[1][:, 0], tokens[1][:, 1:].mean(dim=1)], dim=1)
    torch.testing.assert_close(read(network, "block:1", images), middle)
    torch.testing.assert_close(read(network, "block:-2", images), middle)
    joined = torch.cat([tokens[1][:, 0], tokens[2][:, 0], tokens[2][:, 1:].mean(dim=1)], dim=1)
    torch.testing.assert_close(read(network, "blocks:-2", images), joined)


DINO = {"img_size": 28, "embed_dim": 24, "depth": 6, "num_heads": 2}


@pytest.mark.parametrize("name", ["vit_small_patch14_dinov2", "vit_small_patch14_reg4_dinov2"])
def test_the_last_four_blocks_of_timms_dinov2_are_those_of_its_linear_protocol(name):
    """Its witness: timm's get_intermediate_layers, joined as create_linear_input of DINOv2's evaluation does."""
    pytest.importorskip("timm")
    network = build(f"timm:{name}", options=DINO)
    with torch.no_grad():
        for value in network.net.parameters():
            value.copy_(torch.randn(value.shape) / 5)
    images = torch.randn(2, 3, 28, 28)
    with torch.inference_mode():
        outputs = network.net.get_intermediate_layers(images, n=4, return_prefix_tokens=True, norm=True)
    classes = [prefix[:, 0] for _, prefix in outputs]
    expected = torch.cat([*classes, outputs[-1][0].mean(dim=1)], dim=1)
    assert expected.shape == (2, 5 * 24)
    torch.testing.assert_close(read(network, "blocks:-4", images), expected, rtol=0, atol=1e-6)
    third = torch.cat([classes[-3], outputs[-3][0].mean(dim=1)], dim=1)
    torch.testing.assert_close(read(network, "block:3", images), third, rtol=0, atol=1e-6)
    assert measure_inside(network, 28) == {**{f"block:{number}": 48 for number in range(6)}, "blocks:-4": 120}


def test_a_vit_without_class_token_has_the_means_of_its_patches():
    pytest.importorskip("timm")
    options = {**DINO, "class_token": False, "global_pool": "avg"}
    network = build("timm:vit_small_patch14_dinov2", options=options)
    images = torch.randn(2, 3, 28, 28)
    with torch.inference_mode():
        outputs = network.net.get_intermediate_layers(images, n=2, norm=True)
    expected = torch.cat([patches.mean(dim=1) for patches in outputs], dim=1)
    torch.testing.assert_close(read(network, "blocks:-2", images), expected)


def test_other_timm_networks(images):
    timm = pytest.importorskip("timm")
    resnet = build("timm:resnet18")
    net = timm.create_model("resnet18", pretrained=False, features_only=True).eval()
    net.load_state_dict(resnet.net.state_dict())
    with torch.inference_mode():
        expected = net(images)[3].mean(dim=(2, 3))
    torch.testing.assert_close(read(resnet, "stage:3", images), expected)
    eva = build("timm:eva02_tiny_patch14_224", options={"img_size": 28, "embed_dim": 24, "depth": 3, "num_heads": 2})
    small = images[:, :, :28, :28]
    assert read(eva, "blocks:-2", small).shape == (2, 72)


@pytest.mark.parametrize("name", ["torchvision:shufflenet_v2_x0_5", "mobilenet_v2"])
def test_networks_whose_layers_have_no_names_offer_nothing_inside(name):
    assert describe_inside(build(name)).list_names() == []
    assert measure_inside(build(name), 64) == {}


def test_dimensions_are_measured_without_weights():
    network = architectures.build_without_weights(Architecture(name="resnet50"))
    assert measure_inside(network, 224)["stage:3"] == 1024
    assert isinstance(network, Network)
    assert next(network.parameters()).is_meta
