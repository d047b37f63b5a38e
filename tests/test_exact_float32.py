"""Float32 is float32, whatever a program has set for itself, and its settings are as before afterwards."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from loocbench.exact_float32 import exact_float32

REFUSED = "torch refuses to say"
NEWER = hasattr(torch.backends, "fp32_precision")
newer_only = pytest.mark.skipif(not NEWER, reason="this torch has the older settings alone")
OPERATIONS = [("cuda", "matmul"), ("cudnn", "conv"), ("cudnn", "rnn"), ("mkldnn", "matmul"), ("mkldnn", "conv")]


def read(setting):
    try:
        return setting()
    except RuntimeError:
        return REFUSED


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
def _unset(monkeypatch):
    """Settings are those of a fresh process, before and after each test; those of GPUs are there without one, too."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    set_nothing()
    yield
    set_nothing()


def set_nothing():
    torch.set_float32_matmul_precision("highest")
    if NEWER:
        torch.backends.fp32_precision = "none"
        for name, of in OPERATIONS:
            operation(name, of, "none")
    torch.backends.cudnn.allow_tf32 = True


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
        older, newer = settings()[:3], settings()[3:]
        assert all(value in (exact, REFUSED) for value, exact in zip(older, ("highest", False, False), strict=True))
        assert set(newer) <= {"ieee", "none"}
        assert NEWER or REFUSED not in older
        with exact_float32():
            pass
        assert settings() == older + newer
    assert settings() == before


@newer_only
@pytest.mark.parametrize("first", [None, "tf32", "bf16"])
@pytest.mark.parametrize("then", ["ieee", "tf32", "bf16", "none"])
def test_what_follows_from_a_general_setting_follows_it_afterwards(first, then):
    seen = []
    for use in (False, True):
        set_nothing()
        if first:
            generic(first)
        if use:
            with exact_float32():
                pass
        generic(then)
        seen.append(settings())
    assert seen[0] == seen[1]


def test_a_process_without_a_gpu_has_no_setting_of_gpus_changed(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    torch.set_float32_matmul_precision("medium")
    with exact_float32():
        assert torch.get_float32_matmul_precision() == "highest"
        assert torch.backends.cudnn.allow_tf32
    assert torch.get_float32_matmul_precision() == "medium"


def test_threads_that_overlap_leave_the_setting_that_was_there():
    torch.set_float32_matmul_precision("high")
    entered, left = threading.Event(), threading.Event()

    def first():
        with exact_float32():
            entered.set()
            assert left.wait(10)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(first)
        assert entered.wait(10)
        with exact_float32():
            left.set()
            running.result()
            assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == "high"


def test_it_is_a_decorator():
    torch.set_float32_matmul_precision("high")
    assert exact_float32()(torch.get_float32_matmul_precision)() == "highest"
    assert torch.get_float32_matmul_precision() == "high"


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
