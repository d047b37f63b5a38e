"""Stopping between two steps: Ctrl-C and SIGTERM become a request that the loop honours when its state is whole."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SAME_REQUEST = 0.5  # seconds; torchrun passes on what the terminal has sent to each process already


class Stop:
    """A request to stop. number: of the signal, 0 for none yet; since: when it came, on the monotonic clock."""

    number: int = 0
    since: float = 0.0


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Within the block the first SIGINT or SIGTERM sets ``number``; a second SIGINT is a KeyboardInterrupt at once.

    Outside the main thread, where Python has no signals, nothing is changed.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def request_stop(number: int, frame: FrameType | None) -> None:
        if stop.number and number == signal.SIGINT and time.monotonic() - stop.since > _SAME_REQUEST:
            raise KeyboardInterrupt
        if not stop.number:
            stop.number, stop.since = number, time.monotonic()

    before = {number: signal.signal(number, request_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
