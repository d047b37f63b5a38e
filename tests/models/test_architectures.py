"""loocbench.models.architectures: architectures by name."""

from __future__ import annotations

import pytest
import torch

from loocbench.errors import UserError
from loocbench.models import architectures
from loocbench.types import Architecture


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("resnet50", "resnet50"),
        ("torchvision:resnet50", "resnet50"),
        ("vit_b_16", "torchvision:vit_b_16"),
        ("package.module:function", "python:package.module:function"),
        ("python:package.module:function", "python:package.module:function"),
    ],
)
def test_a_name_is_completed_with_its_library(given, full):
    assert architectures.resolve_name(given) == full
    assert architectures.resolve_name(full) == full


@pytest.mark.parametrize(
    ("name", "message"),
    [("resnet5", "unknown architecture 'resnet5'. Did you mean"), ("python:no function", "does not name a function")],
)
def test_a_wrong_name_is_one_line(name, message):
    with pytest.raises(UserError, match=message):
        architectures.resolve_name(name)


def test_a_network_without_weights_has_the_names_and_shapes_of_the_real_one():
    architecture = Architecture(name="torchvision:squeezenet1_1")
    real = architectures.build_architecture(architecture).state_dict()
    bare = architectures.build_without_weights(architecture).state_dict()
    assert {name: tensor.shape for name, tensor in bare.items()} == {
        name: tensor.shape for name, tensor in real.items()
    }
    assert all(tensor.is_meta for tensor in bare.values())
    shapes, classifiers = architectures.list_tensor_shapes(architecture)
    assert {f"net.{name}": torch.Size(shape) for name, shape in shapes.items()} == {
        name: tensor.shape for name, tensor in real.items()
    }
    assert "classifier." in classifiers


@pytest.mark.parametrize(
    ("name", "size"),
    [("resnet8", 32), ("resnet50", 224), ("torchvision:inception_v3", 299), ("torchvision:vgg11", 224)],
)
def test_the_image_size_that_an_architecture_is_made_for(name, size):
    assert architectures.default_image_size(name) == size
