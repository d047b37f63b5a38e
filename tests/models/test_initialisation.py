"""loocbench.models.initialisation: what is overwritten anyway is not drawn; everything else of a network is as ever."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from loocbench.models import architectures
from loocbench.models.initialisation import WithoutInitialisation
from loocbench.types import Architecture


def test_no_number_is_drawn_for_parameters():
    before = torch.get_rng_state()
    with WithoutInitialisation():
        nn.Conv2d(3, 4, 3)
        for draw in (nn.init.kaiming_normal_, nn.init.xavier_uniform_, nn.init.normal_):
            draw(nn.Linear(5, 4).weight)
    assert torch.equal(torch.get_rng_state(), before)


def test_buffers_and_other_tensors_are_filled():
    with WithoutInitialisation():
        assert torch.equal(nn.BatchNorm2d(3).running_var, torch.ones(3))
        assert torch.equal(torch.empty(4).fill_(2), torch.full((4,), 2.0))
        assert float(torch.zeros(100).normal_().std()) > 0.5


def test_afterwards_networks_are_initialised_again():
    with WithoutInitialisation():
        pass
    assert torch.equal(nn.BatchNorm2d(3).weight, torch.ones(3))


@pytest.mark.parametrize("name", ["torchvision:shufflenet_v2_x0_5", "torchvision:swin_t", "timm:vit_tiny_patch16_224"])
def test_a_network_with_given_weights_is_the_network_that_they_are_of(name):
    """Beside its weights a Swin has tables that are computed when it is built."""
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    whole = architectures.build_architecture(Architecture(name=name))
    again = architectures.build_with_weights(Architecture(name=name), (), whole.state_dict())
    for tensors in ("named_parameters", "named_buffers"):
        expected, found = dict(getattr(whole, tensors)()), dict(getattr(again, tensors)())
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[key], expected[key]) for key in expected)
