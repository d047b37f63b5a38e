"""loocbench.features.encoder: spaces by name, and images of any kind as the network takes them."""

from dataclasses import replace

import pytest
import torch
from PIL import Image

import loocbench
from loocbench.checkpoints import untrained
from loocbench.errors import UserError
from loocbench.features.encoder import Encoder
from loocbench.models import spaces

OFFERED = {
    "moco": ["looc", "looc++", "head:invariant"],
    "looc": ["looc", "looc++", "head:invariant", "head:color", "head:rotation"],
    "looc++": ["looc++", "head:invariant", "head:color", "head:rotation"],
    "moco++": ["looc++", "head:copy0", "head:copy1"],
}


@pytest.mark.parametrize("method", OFFERED)
def test_spaces_offered_by_each_method(trained, method):
    assert loocbench.load(trained[method]).spaces == OFFERED[method]


@pytest.mark.parametrize("method", ["looc", "looc++"])
def test_loocpp_is_the_concatenation_of_the_heads_in_order(trained, method):
    encoder = loocbench.load(trained[method])
    images = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8)
    parts = [encoder(images, features=f"head:{name}") for name in ("invariant", "color", "rotation")]
    assert torch.equal(encoder(images, features="looc++"), torch.cat(parts, dim=1))
    joined = encoder(images, features="head:rotation+head:color")
    assert torch.equal(joined, torch.cat([parts[2], parts[1]], dim=1))
    assert parts[0].shape == (5, 64 if method == "looc++" else 16)


def test_looc_and_loocpp_can_be_joined(trained):
    encoder = loocbench.load(trained["looc"])
    images = torch.rand(2, 3, 16, 16)
    expected = torch.cat([encoder(images, "looc"), encoder(images, "looc++")], dim=1)
    assert torch.equal(encoder(images, "looc+looc++"), expected)


def test_the_general_space_is_the_pooled_last_stage_and_embeddings_are_unit_vectors(trained):
    encoder = loocbench.load(trained["looc"])
    images = torch.rand(4, 3, 16, 16)
    normalised = (images - encoder._mean) / encoder._std
    maps = encoder.network.stages["general"](encoder.network.trunk(normalised))
    torch.testing.assert_close(encoder(images, "looc"), maps.mean(dim=(2, 3)))
    torch.testing.assert_close(encoder(images, "head:color").norm(dim=1), torch.ones(4))


def test_bytes_and_fractions_give_the_same_features(trained):
    encoder = loocbench.load(trained["looc++"])
    images = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    torch.testing.assert_close(encoder(images), encoder(images / 255))


@pytest.mark.parametrize("wrong", ["head:colour", "lookc", "looc++ +head:texture", "head:", ""])
def test_a_wrong_name_gets_the_list_of_this_checkpoint(trained, wrong):
    with pytest.raises(UserError, match=r"Available: looc, looc\+\+, head:invariant, head:color, head:rotation"):
        loocbench.load(trained["looc"]).parse(wrong)


def test_the_nearest_name_is_suggested():
    with pytest.raises(UserError, match="Did you mean 'head:color'"):
        spaces.parse_feature_name("head:colour", ("invariant", "color"), separate=True)


def test_a_space_cannot_occur_twice():
    with pytest.raises(UserError, match="a space occurs twice"):
        spaces.parse_feature_name("looc+++head:color", ("invariant", "color"), separate=False)


def test_prepare_makes_pillow_images_into_the_networks_input(trained):
    encoder = loocbench.load(trained["looc"])
    prepared = encoder.prepare([Image.new("L", (50, 30), 128), Image.new("RGB", (20, 90))])
    assert prepared.shape == (2, 3, 16, 16)
    assert prepared.dtype == torch.uint8
    assert (prepared[0] == 128).all()


@pytest.mark.parametrize("change", ["missing", "unexpected", "misshapen"])
def test_weights_that_do_not_fit_the_card_are_refused(change):
    checkpoint = untrained.build_checkpoint("resnet8", 0, 16)
    weights = dict(checkpoint.weights)
    name = next(iter(weights))
    tensor = weights.pop(name)
    if change != "missing":
        weights |= {name: tensor, "other": tensor} if change == "unexpected" else {name: tensor[..., :1]}
    with pytest.raises(UserError, match="does not fit its card"):
        Encoder.from_checkpoint(replace(checkpoint, weights=weights))
