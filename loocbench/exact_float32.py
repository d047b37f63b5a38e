"""Computing in float32 where float32 is stated, whatever the calling program has set for its own products.

A program that trains sets ``torch.set_float32_matmul_precision("high")``, or torch's newer ``fp32_precision``, for
speed: products and convolutions of float32 tensors are then rounded to TF32 or bfloat16. Figures would not say so.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

_OLDER_EXACT = {"matmul": "highest", "cudnn": False}
_EXACT = (*_OLDER_EXACT.values(), "ieee", "none")


@contextmanager
def exact_float32() -> Iterator[None]:
    """Float32 operations are computed in float32 within, without autocast; after it all settings are as before.

    A process has one such setting: its other threads, too, compute exactly until the last that is within has left.
    Also a decorator: ``@exact_float32()``.
    """
    import torch

    with ExitStack() as stack:
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        _SETTINGS.enter()
        try:
            yield
        finally:
            _SETTINGS.leave()


class _Settings:
    """The process's settings: made exact by the first that enters, set back by the last that leaves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._before: tuple[dict[str, Any], list[tuple[Any, Any]]] | None = None

    def enter(self) -> None:
        with self._lock:
            if not self._within:
                self._before = _make_exact()
            self._within += 1

    def leave(self) -> None:
        with self._lock:
            self._within -= 1
            if not self._within and self._before is not None:
                _set_back(*self._before)


_SETTINGS = _Settings()


def _make_exact() -> tuple[dict[str, Any], list[tuple[Any, Any]]] | None:
    """Make every setting exact. Returns the older settings, and the newer ones by place; None where all were."""
    older, newer = _read_older(), [(place, place.fp32_precision) for place in _places()]
    if all(value in _EXACT for value in (*older.values(), *(value for _, value in newer))):
        return None
    _write_older({name: exact for name, exact in _OLDER_EXACT.items() if name in older})
    for place, _ in newer:
        place.fp32_precision = "ieee"
    return older, newer


def _set_back(older: dict[str, Any], newer: list[tuple[Any, Any]]) -> None:
    """What was inherited from a more general setting, or follows from an older one, is so again, and not stated."""
    _write_older(older)
    for place, value in newer:
        for each in ("none", value):
            if place.fp32_precision != value:
                place.fp32_precision = each


def _places() -> list[Any]:
    """What has a setting of its own since torch 2.9, beside the older ones, which say the same in other words."""
    import torch

    operations = [("mkldnn", "matmul"), ("mkldnn", "conv"), ("mkldnn", "rnn")]
    if torch.cuda.is_available():
        operations += [("cuda", "matmul"), ("cudnn", "conv"), ("cudnn", "rnn")]
    every = [getattr(getattr(torch.backends, name), operation, None) for name, operation in operations]
    return [place for place in every if hasattr(place, "fp32_precision")]


def _read_older() -> dict[str, Any]:
    """The older settings; without those that torch refuses to read, since newer ones contradict them."""
    import torch

    read: dict[str, Callable[[], Any]] = {"matmul": torch.get_float32_matmul_precision}
    if torch.cuda.is_available():
        read["cudnn"] = lambda: torch.backends.cudnn.allow_tf32
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
