"""Backbones cut in two are still the backbones; spaces are shared or separate as the method says."""

from __future__ import annotations

import pytest
import torch
import torchvision

from loocbench.models import backbone_names
from loocbench.models.initialisation import WithoutInitialisation
from loocbench.models.network import Network

QUICK = ("resnet18", "resnet50")


@pytest.mark.parametrize(
    "name", [*QUICK, *(pytest.param(n, marks=pytest.mark.slow) for n in backbone_names.TORCHVISION if n not in QUICK)]
)
def test_trunk_and_last_stage_give_torchvisions_own_features(name):
    witness = torchvision.models.get_model(name, weights=None).eval()
    with WithoutInitialisation():  # what the features are of is replaced by the witness's
        network = Network(name, ["invariant"], separate=False, embedding_dim=8).eval()
    own = {}
    for key, value in witness.state_dict().items():
        own[key.replace("layer4.", "stages.general.") if key.startswith("layer4.") else f"trunk.{key}"] = value
    rest = {key: value for key, value in network.state_dict().items() if key.startswith("heads.")}
    matched = {key: value for key, value in own.items() if not key.startswith("trunk.fc.")}
    network.load_state_dict({**matched, **rest}, strict=True)
    images = torch.randn(2, 3, 64, 64)
    witness.fc = torch.nn.Identity()
    with torch.inference_mode():
        features = network.features(images)["general"]
        torch.testing.assert_close(features, witness(images), rtol=1e-5, atol=1e-6)
    assert features.shape[1] == network.dim


def test_looc_shares_the_last_stage_and_loocpp_has_one_for_each_space():
    spaces = ["invariant", "color", "rotation"]
    images = torch.randn(4, 3, 32, 32)
    for separate in (False, True):
        network = Network("resnet8", spaces, separate=separate, embedding_dim=8)
        assert list(network.stages) == (spaces if separate else ["general"])
        network(images)[1].sum().backward()  # through the space "color" alone
        touched = {
            name
            for name, stage in network.stages.items()
            if any(p.grad is not None and p.grad.abs().sum() > 0 for p in stage.parameters())
        }
        assert touched == ({"color"} if separate else {"general"})
        assert all(p.grad is not None for p in network.trunk.parameters())


def test_the_copies_of_the_last_stage_start_from_different_weights():
    network = Network("resnet8", ["a", "b"], separate=True, embedding_dim=8)
    first, second = (next(network.stages[name].parameters()) for name in ("a", "b"))
    assert not torch.equal(first, second)
