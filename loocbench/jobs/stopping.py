"""Stopping between two steps: Ctrl-C and SIGTERM become a request that the loop honours when its state is whole."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """signal: the name of the signal that asked to stop, or nothing yet."""

    signal: str = ""


@contextmanager
def on_signals() -> Iterator[Stop]:
    """Within the block the first SIGINT or SIGTERM sets ``signal``; a second SIGINT is a KeyboardInterrupt at once.

    Outside the main thread, where Python has no signals, nothing is changed.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.signal = signal.Signals(number).name

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
