"""loocbench.features.fusion: the plain network's features within 1e-4, on networks whose batch norms do something."""

import pytest
import torch
import torchvision
from torch import nn

from loocbench.devices import fastest_precision, has_onednn
from loocbench.features import fusion, inference
from loocbench.models import architectures, library_layers, library_network
from loocbench.models.network import Network
from loocbench.types import Architecture

pytestmark = pytest.mark.skipif(
    not has_onednn(fusion.OPERATION), reason="this torch has no oneDNN to fuse convolutions with"
)


def lively(network: nn.Module, seed: int = 0) -> nn.Module:
    """Random statistics and weights: a fresh batch norm is nearly the identity, and would hide a wrong fold."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.normal_(0, 0.2, generator=generator)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


NETWORKS = {
    "resnet18": (lambda: Network("resnet18", ["invariant"], separate=False, embedding_dim=8), 64, 20, 8),
    "resnet50": (lambda: Network("resnet50", ["invariant"], separate=False, embedding_dim=8), 64, 53, 16),
    "looc++": (lambda: Network("resnet18", ["invariant", "color"], separate=True, embedding_dim=8), 64, 25, 10),
    "small looc++": (lambda: Network("resnet14", ["invariant", "color"], separate=True, embedding_dim=8), 32, 20, 8),
    "mobilenet": (lambda: architectures.build_architecture(Architecture(name="torchvision:mobilenet_v2")), 64, 52, 10),
    "densenet": (lambda: architectures.build_architecture(Architecture(name="torchvision:densenet121")), 64, 120, 0),
}


@pytest.mark.parametrize("name", NETWORKS)
@torch.inference_mode()
def test_fused_is_plain(name):
    make, size, convolutions, additions = NETWORKS[name]
    network = lively(make())
    fast = fusion.fuse_convolutions(network, torch.randn(2, 3, size, size))
    fused = [module for module in fast.modules() if isinstance(module, fusion.FusedConv2d)]
    assert (len(fused), sum(module._add for module in fused)) == (convolutions, additions)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules()) or name == "densenet"
    for count in (1, 5):  # not the batch that it was traced with
        images = torch.randn(count, 3, size, size).contiguous(memory_format=torch.channels_last)
        expected, found = network.forward_spaces(images), fast.forward_spaces(images)
        assert found.keys() == expected.keys()
        for space, values in expected.items():
            assert ((found[space] - values).norm(dim=1) <= 1e-4 * values.norm(dim=1)).all()
        assert torch.equal(fast.forward_spaces(images)[space], found[space])  # what is overwritten is its own


@pytest.mark.skipif(fastest_precision("cpu") != "bfloat16", reason="this processor does not compute in bfloat16")
@pytest.mark.parametrize("name", NETWORKS)
@torch.inference_mode()
def test_fused_in_bfloat16_is_as_near_to_float32_as_autocast_is(name):
    make, size, convolutions, _ = NETWORKS[name]
    torch.manual_seed(0)
    network = lively(make())
    images = torch.randn(32, 3, size, size).contiguous(memory_format=torch.channels_last)
    fast = fusion.fuse_convolutions(network, images[:2], torch.bfloat16)
    assert sum(isinstance(module, fusion.FusedConv2d) for module in fast.modules()) == convolutions
    expected, found = network.forward_spaces(images), fast.forward_spaces(images.bfloat16())
    with torch.autocast("cpu", torch.bfloat16):
        autocast = network.forward_spaces(images)
    for space, values in expected.items():
        # Of a single image either may round by twice as much as the other.
        errors = [float(((one[space] - values).norm(dim=1) / values.norm(dim=1)).mean()) for one in (found, autocast)]
        assert 0 < errors[0] <= 1.5 * errors[1]


@torch.inference_mode()
def test_the_network_itself_is_left_alone():
    network = lively(Network("resnet18", ["invariant"], separate=False, embedding_dim=8))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    fusion.fuse_convolutions(network, torch.randn(2, 3, 64, 64))
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_nothing_to_fuse_is_none():
    assert fusion.fuse_convolutions(library_network.wrap_pooled_network(nn.Flatten()), torch.randn(2, 3, 8, 8)) is None


class ReadsTwice(nn.Module):
    """What is added is read again afterwards: it must not be overwritten."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, images):
        first = self.one(images)
        total = torch.relu(self.two(first) + first)
        return (total * first).mean((2, 3))


class ThroughAView(nn.Module):
    """The same, through a view made before."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, images):
        first = self.one(images)
        view = first.flatten(1)
        total = torch.relu(self.two(first) + first)
        return total.mean((2, 3)) + view.mean(1, keepdim=True)


class SharedConvolution(nn.Module):
    """One convolution before two batch norms."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.one, self.two = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.BatchNorm2d(4)

    def forward(self, images):
        return (self.one(self.conv(images)) * self.two(self.conv(images + 1))).relu().mean((2, 3))


class AddsItsInput(nn.Module):
    """What is added is the caller's."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, images):
        return torch.relu(self.conv(images) + images).mean((2, 3))


@pytest.mark.parametrize("kind", [ReadsTwice, ThroughAView, SharedConvolution, AddsItsInput])
@torch.inference_mode()
def test_what_is_read_again_is_not_overwritten(kind):
    network = library_network.wrap_pooled_network(lively(kind()))
    images = torch.randn(3, 3, 8, 8)
    kept = images.clone()
    fast = fusion.fuse_convolutions(network, images)
    expected = network.forward_spaces(images)["general"]
    torch.testing.assert_close((fast or network).forward_spaces(images)["general"], expected, rtol=1e-4, atol=1e-6)
    assert torch.equal(images, kept)


def test_a_vit_and_an_untraceable_network_stay_plain(encoder_of):
    class Untraceable(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, images):
            return self.conv(images).mean((2, 3)) * (1 if images.mean() > 0 else 2)

    vit = torchvision.models.VisionTransformer(32, 16, 1, 2, 16, 16)
    vit.heads = nn.Identity()
    for network in (
        library_network.wrap_vit(vit, library_layers.forward_torchvision_tokens, 1),
        library_network.wrap_pooled_network(Untraceable()),
    ):
        encoder = encoder_of(network.eval(), 32)
        crops = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
        found, expected = (
            inference.InferenceNetwork(encoder, info=pytest.fail)(crops),
            encoder.all_spaces(crops),
        )
        assert all(torch.equal(found[name], values) for name, values in expected.items())


class TakesAnotherWay(nn.Module):
    """Traced wrongly: what a Python type says decides."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images):
        return torch.relu(self.conv(images)).mean((2, 3)) * (2 if type(images) is torch.Tensor else 3)


def test_a_way_that_gives_other_features_is_not_used(encoder_of):
    encoder = encoder_of(library_network.wrap_pooled_network(TakesAnotherWay().eval()), 8)
    images = torch.randn(2, 3, 8, 8)
    wrong = fusion.fuse_convolutions(encoder.network, images).forward_spaces(images)["general"]
    assert not torch.allclose(wrong, encoder.network.forward_spaces(images)["general"])
    crops = torch.randint(0, 256, (2, 3, 8, 8), dtype=torch.uint8)
    found = inference.InferenceNetwork(encoder, info=pytest.fail)(crops)
    assert torch.equal(found["general"], encoder.all_spaces(crops)["general"])
