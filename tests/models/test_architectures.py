"""loocbench.models.architectures: architectures by name. Covers loocbench.models.timm_networks."""

from __future__ import annotations

import pytest
import torch

from loocbench.errors import UserError
from loocbench.models import architectures, timm_networks
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


def test_every_deprecated_name_of_timm_is_its_name_of_today():
    timm = pytest.importorskip("timm")
    renamed = timm.models.get_deprecated_models()
    assert len(renamed) > 100
    for name, today in renamed.items():
        found = architectures.resolve_name(f"timm:{name}")
        assert found == f"timm:{today}" or found.startswith(f"timm:{today}_")  # a tag that was renamed since
        assert timm.is_model(found.removeprefix("timm:"))
        assert timm_networks.read_input_size(name) == timm_networks.read_input_size(found.removeprefix("timm:"))
    assert architectures.resolve_name("timm:vit_base_patch32_224_sam") == "timm:vit_base_patch32_224.sam_in1k"


@pytest.mark.parametrize(
    ("name", "size"), [("vit_base_patch16_224_dino", 224), ("tv_resnet50", 224), ("vit_large_patch16_384", 384)]
)
def test_a_deprecated_name_has_its_image_size(name, size):
    pytest.importorskip("timm")
    assert architectures.default_image_size(f"timm:{name}") == size


def test_a_model_for_images_that_are_not_square_is_refused():
    timm = pytest.importorskip("timm")
    wide = timm.list_models("*sapiens2*")
    if not wide:
        pytest.skip("this timm has none")
    with pytest.raises(UserError, match=r"is made for images of 1024 x 768 px, loocbench's are square; name another"):
        architectures.default_image_size(f"timm:{wide[0]}")


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


@pytest.mark.parametrize("separate", [False, True])
@pytest.mark.parametrize("name", ["resnet8", "resnet18", "torchvision:shufflenet_v2_x0_5"])
def test_a_network_with_given_weights_is_the_built_one_and_draws_no_random_number(name, separate):
    own = not name.startswith("torchvision:")
    architecture = Architecture(name=name, separate=separate and own, embedding_dim=8 if own else 0)
    spaces = ("invariant", "color") if own else ()
    real = architectures.build_architecture(architecture, spaces).eval()
    before = torch.get_rng_state()
    made = architectures.build_with_weights(architecture, spaces, real.state_dict()).eval()
    assert torch.equal(torch.get_rng_state(), before)
    assert not [tensor for tensor in (*made.parameters(), *made.buffers()) if tensor.is_meta]
    images = torch.randn(2, 3, 32, 32)
    with torch.inference_mode():
        expected, found = real.forward_spaces(images), made.forward_spaces(images)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[space], expected[space]) for space in expected)


@pytest.mark.parametrize(
    ("name", "size"),
    [("resnet8", 32), ("resnet50", 224), ("torchvision:inception_v3", 299), ("torchvision:vgg11", 224)],
)
def test_the_image_size_that_an_architecture_is_made_for(name, size):
    assert architectures.default_image_size(name) == size
