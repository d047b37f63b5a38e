"""Computing in float32 where float32 is stated, whatever the calling program has set for its own products.

A program that trains sets ``torch.set_float32_matmul_precision("high")``, or torch's newer ``fp32_precision``, for
speed: products and convolutions of float32 tensors are then rounded to TF32 or bfloat16. Figures would not say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


@contextmanager
def exact_float32() -> Iterator[None]:
    """Float32 operations are computed in float32 within, without autocast; after it all settings are as before.

    A process has one such setting: its other threads compute exactly, too, meanwhile.
    """
    import torch

    older, newer = _read_older(), [(place, place.fp32_precision) for place in _places()]
    with ExitStack() as stack:
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        try:
            _write_older({"matmul": "highest", "cudnn": False})
            for place, _ in newer:
                place.fp32_precision = "ieee"
            yield
        finally:
            _write_older(older)
            for place, value in newer:
                place.fp32_precision = value


def _places() -> list[Any]:
    """What has a setting of its own since torch 2.9, beside the older ones, which say the same in other words."""
    import torch

    found = []
    for name, operations in (("cuda", ["matmul"]), ("cudnn", ["conv", "rnn"]), ("mkldnn", ["matmul", "conv", "rnn"])):
        backend = getattr(torch.backends, name)
        places = [getattr(backend, operation, None) for operation in operations]
        found += [place for place in places if hasattr(place, "fp32_precision")]
    return found


def _read_older() -> dict[str, Any]:
    """The older settings; without those that torch refuses to read, since newer ones contradict them."""
    import torch

    read: dict[str, Callable[[], Any]] = {
        "matmul": torch.get_float32_matmul_precision,
        "cudnn": lambda: torch.backends.cudnn.allow_tf32,
    }
    values: dict[str, Any] = {}
    for name, setting in read.items():
        try:
            values[name] = setting()
        except RuntimeError:
            continue
    return values


def _write_older(values: dict[str, Any]) -> None:
    import torch

    if "matmul" in values:
        torch.set_float32_matmul_precision(values["matmul"])
    if "cudnn" in values:
        torch.backends.cudnn.allow_tf32 = values["cudnn"]
