"""loocbench.features.encoder: spaces by name, and images of any kind as the network takes them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

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


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (torch.rand(2, 3, 16, 16) * 255, ValueError, r"float images are in \[0.*, 25.*\], normalised or of another"),
        ((torch.rand(2, 3, 16, 16) - 0.5) / 0.2, ValueError, r"float images are in \[-2.*\], normalised"),
        (torch.full((1, 3, 16, 16), float("nan")), ValueError, r"float images are in \[nan, nan\]"),
        (torch.full((1, 3, 16, 16), float("inf")), ValueError, r"float images are in \[inf, inf\]"),
        (torch.zeros(2, 3, 16, 16, dtype=torch.int64), TypeError, r"images are torch\.int64; pass uint8, or float"),
        (torch.zeros(2, 3, 32, 32), ValueError, r"of shape \[2, 3, 32, 32\]; .* of shape \[N, 3, 16, 16\]"),
        (torch.zeros(2, 1, 16, 16), ValueError, r"of shape \[2, 1, 16, 16\]"),
        (torch.zeros(2, 16, 16, 3), ValueError, r"of shape \[2, 16, 16, 3\]"),
        (torch.zeros(3, 16, 16), ValueError, r"of shape \[3, 16, 16\]"),
        (
            Image.new("RGB", (16, 16)),
            TypeError,
            r"images are a Image, not a tensor; .* encoder\.prepare\(pillow_images",
        ),
        ([Image.new("RGB", (16, 16))], TypeError, r"images are a list, not a tensor"),
        (np.zeros((1, 3, 16, 16), np.uint8), TypeError, r"images are a ndarray, not a tensor"),
    ],
)
def test_images_that_the_network_does_not_take_are_refused(trained, images, error, message):
    """They gave features before: of normalised images, normalised once more."""
    with pytest.raises(error, match=message):
        loocbench.load(trained["looc"])(images)


def test_rounding_of_half_precision_at_the_ends_is_allowed(trained):
    images = torch.tensor([-0.0005, 1.0005]).repeat(1, 3, 16, 8)
    assert loocbench.load(trained["looc"])(images).isfinite().all()


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (Image.new("RGB", (9, 9)), TypeError, "takes a list of Pillow images, not one image"),
        ([np.zeros((9, 9, 3), np.uint8)], TypeError, "not ndarray"),
        (["a.jpg"], TypeError, r"not str: prepare\(\[Image.open\(path\)\]\)"),
        (torch.zeros(1, 3, 16, 16), TypeError, "not Tensor"),
        ([], ValueError, "the list is empty"),
    ],
)
def test_prepare_takes_pillow_images_alone(trained, images, error, message):
    with pytest.raises(error, match=message):
        loocbench.load(trained["looc"]).prepare(images)


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


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_prepare_resizes_as_the_checkpoint_says(interpolation):
    """Witness: torchvision's transforms."""
    made = untrained.build_checkpoint("resnet8", 0, 16)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8))
    values = made.card.preprocessing.model_copy(update={"interpolation": interpolation})
    encoder = Encoder.from_checkpoint(replace(made, card=made.card.model_copy(update={"preprocessing": values})))
    witness = v2.Compose(
        [v2.Resize(values.resize, v2.InterpolationMode(interpolation)), v2.CenterCrop(16), v2.PILToTensor()]
    )
    assert torch.equal(encoder.prepare([image])[0], witness(image))


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
