"""Backbones by name: the small ResNets, torchvision's MobileNets, and names that do not exist."""

from __future__ import annotations

import pytest
import torch
import torchvision

from loocbench.errors import UserError
from loocbench.models import architectures, backbone_names, backbones
from loocbench.models.network import Network


@pytest.mark.parametrize("name", backbone_names.SMALL)
@pytest.mark.parametrize("size", [32, 64])
def test_small_nets_take_32_to_64_px(name, size):
    network = Network(name, ["a", "b"], separate=True, embedding_dim=8)
    embeddings = network(torch.randn(4, 3, size, size))
    assert embeddings.shape == (2, 4, 8)
    torch.testing.assert_close(embeddings.norm(dim=2), torch.ones(2, 4))


def test_an_unknown_backbone_gets_a_suggestion():
    with pytest.raises(UserError, match="Did you mean 'resnet50'"):
        backbones.build_backbone("resnet-50")


@pytest.mark.parametrize("name", backbone_names.MOBILENETS)
def test_a_mobilenet_is_split_where_its_resolution_is_halved_last(name):
    """Trunk and last stage together are torchvision's layers; the last stage alone has the coarsest maps."""
    parts = backbones.build_backbone(name)
    whole = torchvision.models.get_model(name, weights=None).features
    stage = parts.build_last_stage()
    assert {**parts.trunk.state_dict(), **stage.state_dict()}.keys() == whole.state_dict().keys()
    whole.load_state_dict({**parts.trunk.state_dict(), **stage.state_dict()})
    images = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        maps = parts.trunk.eval()(images)
        output = stage.eval()(maps)
        torch.testing.assert_close(output, whole.eval()(images))
    assert maps.shape[2:] == (4, 4)
    assert output.shape[1:] == (parts.dim, 2, 2)


def test_a_mobilenet_that_was_not_trained_here_is_torchvisions_whole_network():
    assert set(backbone_names.list_trainable()) - set(backbone_names.list_backbones()) == set(backbone_names.MOBILENETS)
    assert architectures.resolve_name("mobilenet_v2") == "torchvision:mobilenet_v2"
