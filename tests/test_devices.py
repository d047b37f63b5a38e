"""Names of devices: what they resolve to, and which are refused. What a device computes in fastest."""

import pytest
import torch

from loocbench.devices import fastest_precision, resolve_device
from loocbench.errors import UserError


@pytest.mark.parametrize(("gpu", "best"), [(True, "cuda"), (False, "cpu")])
def test_auto_is_the_best_device_there_is(monkeypatch, gpu, best):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert resolve_device("auto") == best


def test_a_device_that_is_there_stays_as_it_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [resolve_device(name) for name in ("cpu", "cuda", "cuda:1")] == ["cpu", "cuda", "cuda:1"]


@pytest.mark.parametrize(
    ("name", "said"), [("gpu", "no device"), ("meta", "not supported"), ("cuda:2", "--device cpu")]
)
def test_others_are_refused_with_a_way_out(monkeypatch, name, said):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(UserError, match=said):
        resolve_device(name)


@pytest.mark.parametrize(
    ("instructions", "precision"),
    [((), "float32"), (("_is_avx512_bf16_supported",), "bfloat16"), (("_is_amx_tile_supported",), "bfloat16")],
)
def test_bfloat16_is_taken_where_the_processor_computes_in_it(monkeypatch, instructions, precision):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda name=name: name in instructions)
    assert fastest_precision("cpu") == precision


def test_a_version_of_torch_that_does_not_know_the_instructions_means_float32(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name)
    assert fastest_precision("cpu") == "float32"


@pytest.mark.parametrize(("native", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_bfloat16_is_taken_on_a_gpu_that_does_not_emulate_it(monkeypatch, native, precision):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation)
    assert fastest_precision("cuda:1") == precision
