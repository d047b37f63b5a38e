"""Float32 is float32, whatever a program has set for itself, and its settings are as before afterwards."""

import pytest
import torch

from loocbench.exact_float32 import exact_float32

NEWER = hasattr(torch.backends, "fp32_precision")
newer_only = pytest.mark.skipif(not NEWER, reason="this torch has the older settings alone")
OPERATIONS = [("cuda", "matmul"), ("cudnn", "conv"), ("cudnn", "rnn"), ("mkldnn", "matmul"), ("mkldnn", "conv")]


def read(setting):
    try:
        return setting()
    except RuntimeError:
        return "torch refuses to say"


def settings():
    values = [
        read(torch.get_float32_matmul_precision),
        read(lambda: torch.backends.cuda.matmul.allow_tf32),
        read(lambda: torch.backends.cudnn.allow_tf32),
    ]
    if NEWER:
        values += [getattr(getattr(torch.backends, name), of).fp32_precision for name, of in OPERATIONS]
    return values


@pytest.fixture(autouse=True)
def _unset():
    before = settings()
    yield
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = True
    if NEWER:
        torch.backends.fp32_precision = "none"
        for (name, of), value in zip(OPERATIONS, before[3:], strict=True):
            getattr(getattr(torch.backends, name), of).fp32_precision = value
    assert settings() == before


def generic(value):
    torch.backends.fp32_precision = value


def operation(name, of, value):
    getattr(getattr(torch.backends, name), of).fp32_precision = value


SETTINGS = {
    "nothing": lambda: None,
    "high": lambda: torch.set_float32_matmul_precision("high"),
    "medium": lambda: torch.set_float32_matmul_precision("medium"),
    "allow_tf32": lambda: setattr(torch.backends.cuda.matmul, "allow_tf32", True),
    "no TF32 in cuDNN": lambda: setattr(torch.backends.cudnn, "allow_tf32", False),
}
NEWER_SETTINGS = {
    "all": lambda: generic("tf32"),
    "products on GPUs": lambda: operation("cuda", "matmul", "tf32"),
    "products on CPUs": lambda: operation("mkldnn", "matmul", "bf16"),
    "convolutions on GPUs": lambda: operation("cudnn", "conv", "ieee"),
    "convolutions on CPUs": lambda: operation("mkldnn", "conv", "bf16"),
}


@pytest.mark.parametrize("name", [*SETTINGS, *(pytest.param(name, marks=newer_only) for name in NEWER_SETTINGS)])
def test_whatever_was_set_is_off_within_and_set_again_afterwards(name):
    (SETTINGS | NEWER_SETTINGS)[name]()
    before = settings()
    with exact_float32():
        assert settings() == ["highest", False, False, *(["ieee"] * len(OPERATIONS) if NEWER else [])]
    assert settings() == before


def test_settings_are_as_before_after_an_error():
    torch.set_float32_matmul_precision("high")
    with pytest.raises(KeyboardInterrupt), exact_float32():
        raise KeyboardInterrupt
    assert torch.get_float32_matmul_precision() == "high"


def test_autocast_is_off_within_unless_it_is_asked_for_there():
    a = torch.ones(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        with exact_float32():
            assert (a @ a).dtype == torch.float32
            with torch.autocast("cpu", torch.bfloat16):
                assert (a @ a).dtype == torch.bfloat16
        assert (a @ a).dtype == torch.bfloat16
