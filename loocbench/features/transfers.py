"""Copies batches to a GPU and features back to the CPU while the network computes other batches."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from torch import Tensor

Tag = TypeVar("Tag")
_PREFETCHED = 2  # batches, each with a pinned buffer of its own


def to_device(batches: Iterator[tuple[Tag, Tensor]], device: torch.device) -> Iterator[tuple[Tag, Tensor]]:
    """The same (tag, uint8 [N, 3, S, S]) batches, on ``device``; on the CPU ``batches`` unchanged.

    For a GPU a thread computes the next batches and copies them from pinned memory on a stream of their own. An error
    of ``batches`` is raised where its batch would have come.
    """
    if device.type == "cpu":
        yield from batches
        return
    stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    for tag, (images, arrived, source) in _prefetch(_copy(batches, device, stream), _PREFETCHED):
        current = torch.cuda.current_stream(device)
        current.wait_event(arrived)
        images.record_stream(current)
        yield tag, images
        del source  # pinned memory, free again once its copy is done, which the network waited for


def to_cpu(
    every: Iterator[tuple[Tag, dict[str, Tensor]]], device: torch.device
) -> Iterator[tuple[Tag, dict[str, Tensor]]]:
    """The same (tag, {space: float32 [N, D]}), on the CPU. A GPU's features come when the next batch is queued."""
    if device.type == "cpu":
        yield from every
        return
    previous: tuple[Tag, dict[str, Tensor], Any] | None = None
    for tag, values in every:
        # Behind the batch's own kernels and before those of the next, which are not queued yet.
        copies = {name: _copy_to_pinned(one) for name, one in values.items()}
        copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        copied.record(torch.cuda.current_stream(device))
        if previous is not None:
            previous[2].synchronize()
            yield previous[0], previous[1]
        previous = (tag, copies, copied)
    if previous is not None:
        previous[2].synchronize()
        yield previous[0], previous[1]


def _copy_to_pinned(values: Tensor) -> Tensor:
    """A copy in pinned memory, complete once the current stream has come so far."""
    return torch.empty(values.shape, dtype=values.dtype, pin_memory=True).copy_(values, non_blocking=True)


def _copy(
    batches: Iterator[tuple[Tag, Tensor]], device: torch.device, stream: Any
) -> Iterator[tuple[Tag, tuple[Tensor, Any, Tensor]]]:
    for tag, batch in batches:
        source = batch.pin_memory()  # torch keeps pinned blocks for the next batch
        with torch.cuda.stream(stream):
            images = source.to(device, non_blocking=True)
            arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            arrived.record(stream)
        yield tag, (images, arrived, source)


def _prefetch(items: Iterator[Any], count: int) -> Iterator[Any]:
    """``items``, of which a thread computes up to ``count`` ahead."""
    ready: queue.Queue[tuple[str, Any]] = queue.Queue(count)
    stopping = threading.Event()

    def put(kind: str, value: Any) -> None:
        while not stopping.is_set():
            try:
                ready.put((kind, value), timeout=0.1)
                return
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put("item", item)
                if stopping.is_set():
                    return
            put("end", None)
        except BaseException as error:
            put("error", error)

    thread = threading.Thread(target=work, name="prefetch batches", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = ready.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        stopping.set()
        thread.join()
