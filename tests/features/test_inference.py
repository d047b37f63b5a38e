"""Batched inference: memory that runs out, half precision, torch.compile.

Covers loocbench.features.inference, loocbench.features.inference_config and loocbench.features.compiling.
"""

import shutil

import pytest
import torch
import torchvision
from torch import nn

from loocbench import cpp_compiler
from loocbench.errors import UserError
from loocbench.features import compiling, inference
from loocbench.features.inference_config import InferenceConfig, from_options
from loocbench.models import library_layers, library_network
from loocbench.models.network import Network
from tests.features.test_fusion import lively


def small():
    return lively(Network("resnet8", ["invariant", "color"], separate=True, embedding_dim=8))


def vit():
    network = torchvision.models.VisionTransformer(64, 16, 2, 2, 32, 64)
    network.heads = nn.Identity()
    return library_network.wrap_vit(network.eval(), library_layers.forward_torchvision_tokens, 1)


@pytest.fixture
def crops():
    return torch.randint(0, 256, (10, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def agree(found, expected, most=1e-4):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name].dtype == torch.float32
        assert ((found[name] - values).norm(dim=1) <= most * values.norm(dim=1)).all()


@pytest.mark.parametrize("room", [1, 3, 10])
def test_batches_are_halved_until_memory_suffices(encoder_of, crops, room):
    encoder, said = encoder_of(small(), 16), []
    network = inference.InferenceNetwork(encoder, info=said.append)
    network(crops[:1])
    fast, seen = network._forward, []

    def scarce(images):
        seen.append(len(images))
        if len(images) > room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return fast(images)

    network._forward = scarce
    agree(network(crops), encoder.all_spaces(crops))
    assert sum(size for size in seen if size <= room) == 10  # each image once
    halvings = len(said)
    agree(network(crops), encoder.all_spaces(crops))
    assert len(said) == halvings == {1: 3, 3: 2, 10: 0}[room]  # what was learnt is kept


def test_no_room_for_one_image_is_one_line(encoder_of, crops):
    network = inference.InferenceNetwork(encoder_of(small(), 16), info=lambda line: None)

    def none(images):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")

    network._forward = none
    with pytest.raises(UserError, match="does not suffice for one image"):
        network(crops)


def test_another_error_is_not_taken_for_a_lack_of_memory(encoder_of, crops):
    network = inference.InferenceNetwork(encoder_of(small(), 16), info=lambda line: None)

    def broken(images):
        raise RuntimeError("shapes cannot be multiplied")

    network._forward = broken
    with pytest.raises(RuntimeError, match="multiplied"):
        network(crops)


BFLOAT16 = {
    "resnet18": lambda: lively(Network("resnet18", ["invariant"], separate=False, embedding_dim=8)),
    "resnet50": lambda: lively(Network("resnet50", ["invariant"], separate=False, embedding_dim=8)),
    "looc++": lambda: lively(Network("resnet18", ["invariant", "color"], separate=True, embedding_dim=8)),
    "vit": vit,
}


@pytest.mark.parametrize("name", BFLOAT16)
def test_bfloat16_gives_float32_features_within_its_tolerance(encoder_of, name):
    encoder = encoder_of(BFLOAT16[name](), 64, InferenceConfig("bfloat16"))
    crops = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found, expected = inference.InferenceNetwork(encoder, info=pytest.fail)(crops), encoder.all_spaces(crops)
    agree(found, expected, inference.TOLERANCE["bfloat16"])
    assert not any(torch.equal(found[space], values) for space, values in expected.items())


@pytest.mark.parametrize("factor", [1.0, 1.01])
def test_a_compiled_network_is_used_only_if_its_features_are_the_same(encoder_of, crops, monkeypatch, factor):
    """The compiler's part is played by a multiplication."""
    encoder = encoder_of(small(), 16, InferenceConfig(compiled=True))
    calls = []

    def compile_forward(forward, device):
        calls.append(device)
        return lambda images: {name: values * factor for name, values in forward(images).items()}

    monkeypatch.setattr(cpp_compiler, "has_compiler", lambda: True)
    monkeypatch.setattr(compiling, "compile_forward", compile_forward)
    network = inference.InferenceNetwork(encoder, info=pytest.fail, batch_size=7)
    if factor != 1:
        with pytest.raises(UserError, match="changes the features of this network; leave out --compile"):
            network(crops)
        return
    agree(network(crops), encoder.all_spaces(crops))
    agree(inference.InferenceNetwork(encoder, info=pytest.fail, batch_size=7)(crops), encoder.all_spaces(crops))
    assert calls == ["cpu"]  # the next split is computed by the same compiled network


def test_a_failing_compiler_is_one_line(encoder_of, crops, monkeypatch):
    def fail(images):
        raise AssertionError("a bug\nof inductor")

    monkeypatch.setattr(cpp_compiler, "has_compiler", lambda: True)
    monkeypatch.setattr(compiling, "compile_forward", lambda forward, device: fail)
    network = inference.InferenceNetwork(encoder_of(small(), 16, InferenceConfig(compiled=True)), info=pytest.fail)
    with pytest.raises(UserError, match=r"failed \(AssertionError: a bug of inductor\); leave out --compile"):
        network(crops)


@pytest.mark.parametrize(("compiled", "may_compile"), [(False, True), (True, False)])
def test_a_network_is_compiled_only_where_it_is_asked_for(encoder_of, crops, monkeypatch, compiled, may_compile):
    monkeypatch.setattr(compiling, "compile_forward", lambda *_: pytest.fail("compiled"))
    encoder = encoder_of(small(), 16, InferenceConfig(compiled=compiled))
    network = inference.InferenceNetwork(encoder, info=pytest.fail, batch_size=5, may_compile=may_compile)
    agree(network(crops), encoder.all_spaces(crops))


def test_compilation_needs_a_compiler(encoder_of, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match=r"needs a C\+\+ compiler"):
        inference.InferenceNetwork(encoder_of(small(), 16, InferenceConfig(compiled=True)), info=pytest.fail)


def test_features_of_other_numerics_have_other_keys():
    configs = [InferenceConfig(precision, compiled) for precision in ("float32", "bfloat16") for compiled in (0, 1)]
    assert configs[0].numerics == "float32, joined 1"  # raise the number when it gives other features
    assert len({config.numerics for config in configs}) == 4


@pytest.mark.slow
@pytest.mark.parametrize("make", [small, vit])
def test_compiled_is_plain_also_on_a_batch_that_is_not_full(encoder_of, make):
    if not cpp_compiler.has_compiler():
        pytest.skip("no C++ compiler")
    encoder = encoder_of(make(), 64, InferenceConfig(compiled=True))
    crops = torch.randint(0, 256, (10, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    network = inference.InferenceNetwork(encoder, info=pytest.fail, batch_size=8)
    with torch._dynamo.config.patch(error_on_recompile=True):
        agree(network(crops), encoder.all_spaces(crops))
    torch.manual_seed(1)  # another checkpoint of the same architecture: no weights of the first are in its way
    other = encoder_of(make(), 64, InferenceConfig(compiled=True))
    agree(inference.InferenceNetwork(other, info=pytest.fail, batch_size=8)(crops), other.all_spaces(crops))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("float64", False, "cpu"), "Available: float32, bfloat16, float16"),
        (("float16", False, "cpu"), "float16 needs a GPU"),
    ],
)
def test_wrong_options_are_one_line(options, message):
    with pytest.raises(UserError, match=message):
        from_options(*options)
