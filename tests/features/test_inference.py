"""Features in bulk: when memory runs out, in half precision, compiled, and when compiling is worth a try."""

import shutil

import pytest
import torch
import torchvision
from torch import nn

from loocbench.errors import UserError
from loocbench.features import compiling, inference
from loocbench.features.compiling import Trial
from loocbench.features.inference_config import InferenceConfig, from_options
from loocbench.models import architectures, library_network
from loocbench.models.network import Network
from tests.features.test_folding import lively


def small():
    return lively(Network("resnet8", ["invariant", "color"], separate=True, embedding_dim=8))


def vit():
    network = torchvision.models.VisionTransformer(64, 16, 2, 2, 32, 64)
    network.heads = nn.Identity()
    return library_network.tokens(network.eval(), architectures._torchvision_tokens, 1)


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
    network = inference.InferenceNetwork(encoder, images=10, info=said.append)
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
    network = inference.InferenceNetwork(encoder_of(small(), 16), images=10, info=lambda line: None)

    def none(images):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")

    network._forward = none
    with pytest.raises(UserError, match="does not suffice for one image"):
        network(crops)


def test_another_error_is_not_taken_for_a_lack_of_memory(encoder_of, crops):
    network = inference.InferenceNetwork(encoder_of(small(), 16), images=10, info=lambda line: None)

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
    found, expected = inference.InferenceNetwork(encoder, images=3, info=pytest.fail)(crops), encoder.all_spaces(crops)
    agree(found, expected, inference.TOLERANCE["bfloat16"])
    assert not any(torch.equal(found[space], values) for space, values in expected.items())


@pytest.mark.parametrize(
    ("seconds", "device", "worth"),
    [(60, "cpu", False), (2000, "cpu", False), (3000, "cpu", True), (400, "cuda", False), (600, "cuda", True)],
)
def test_a_trial_of_the_compiler_must_promise_twice_its_cost(seconds, device, worth):
    assert compiling.worth_a_trial(seconds, device) is worth


def test_compilation_is_kept_where_it_was_measured_to_be_quicker():
    quicker, slower = Trial(2.0, 1.5, 60.0), Trial(2.0, 2.1, 60.0)
    assert quicker.pays(1)
    assert quicker.break_even == 120
    assert not slower.pays(10**9)
    assert slower.break_even == float("inf")


def test_auto_measures_tells_and_keeps_what_it_found(encoder_of, crops, monkeypatch):
    """The compiler's part is played: what it makes is right and quicker, right and slower, or wrong."""
    monkeypatch.setattr(compiling, "worth_a_trial", lambda seconds, device: True)
    monkeypatch.setattr(compiling, "has_compiler", lambda: True)
    for factor, seconds, used in ((1.0, 1.0, True), (1.0, 3.0, False), (1.01, 1.0, False)):
        encoder, said = encoder_of(small(), 16), []
        plain = encoder.network.every_space

        def made(forward, device, plain=plain, factor=factor):
            return lambda images: {name: values * factor for name, values in plain(images).items()}

        taken = iter([2.0, 2.0, seconds])
        monkeypatch.setattr(compiling, "compiled", made)
        monkeypatch.setattr(compiling, "seconds_of", lambda *_, taken=taken: next(taken))
        network = inference.InferenceNetwork(encoder, images=1000, info=said.append, size=5)
        agree(network(crops), encoder.all_spaces(crops))
        assert network.compiled is used
        assert ("compiled" in network.name) is used
        assert len(said) == 1
        again = inference.InferenceNetwork(encoder, images=1000, info=said.append, size=5)
        if used:  # the next split goes the same way without a trial
            again(crops)
            assert again.compiled
            assert len(said) == 1


@pytest.mark.parametrize("compile_", ["auto", "never"])
def test_a_short_job_is_not_compiled(encoder_of, crops, monkeypatch, compile_):
    monkeypatch.setattr(compiling, "compiled", lambda *_: pytest.fail("compiled"))
    encoder = encoder_of(small(), 16, InferenceConfig(compile=compile_))
    network = inference.InferenceNetwork(encoder, images=10, info=pytest.fail, size=5)
    agree(network(crops), encoder.all_spaces(crops))
    assert not network.compiled
    assert "compiled" not in network.name


def test_always_needs_a_compiler(encoder_of, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UserError, match=r"needs a C\+\+ compiler"):
        inference.InferenceNetwork(
            encoder_of(small(), 16, InferenceConfig(compile="always")), images=10, info=pytest.fail
        )


@pytest.mark.slow
@pytest.mark.parametrize("make", [small, vit])
def test_compiled_is_plain_also_on_a_batch_that_is_not_full(encoder_of, make):
    if not compiling.has_compiler():
        pytest.skip("no C++ compiler")
    encoder, said = encoder_of(make(), 64, InferenceConfig(compile="always")), []
    crops = torch.randint(0, 256, (10, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    network = inference.InferenceNetwork(encoder, images=13, info=said.append, size=8)
    agree(network(crops), encoder.all_spaces(crops))
    assert network.compiled
    assert "images/s" in said[0]
    torch.manual_seed(1)  # another checkpoint of the same architecture: no weights of the first are in its way
    other = encoder_of(make(), 64, InferenceConfig(compile="always"))
    agree(inference.InferenceNetwork(other, images=13, info=said.append, size=8)(crops), other.all_spaces(crops))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("float64", "auto", "cpu"), "Available: float32, bfloat16, float16"),
        (("float32", "sometimes", "cpu"), "Available: auto, never, always"),
        (("float16", "auto", "cpu"), "float16 needs a GPU"),
    ],
)
def test_wrong_options_are_one_line(options, message):
    with pytest.raises(UserError, match=message):
        from_options(*options)
