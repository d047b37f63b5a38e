"""Backbones by name: the small ResNets, and names that do not exist."""

from __future__ import annotations

import pytest
import torch

from loocbench.errors import UserError
from loocbench.models import backbones
from loocbench.models.network import Network


@pytest.mark.parametrize("name", backbones.SMALL)
@pytest.mark.parametrize("size", [32, 64])
def test_small_nets_take_32_to_64_px(name, size):
    network = Network(name, ["a", "b"], separate=True, embedding_dim=8)
    embeddings = network(torch.randn(4, 3, size, size))
    assert embeddings.shape == (2, 4, 8)
    torch.testing.assert_close(embeddings.norm(dim=2), torch.ones(2, 4))


def test_an_unknown_backbone_gets_a_suggestion():
    with pytest.raises(UserError, match="Did you mean 'resnet50'"):
        backbones.build_backbone("resnet-50")
