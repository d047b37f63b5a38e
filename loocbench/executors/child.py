"""A command as a child process that does not outlive the process that wants it: it is asked to end by SIGTERM.

Between the two stands a guard, this file run as a script: a small process that passes SIGTERM on, and whose own end, in
whatever way, the kernel makes known to the command. Engines kill what their processes have started by SIGKILL when they
end themselves; then that hits the guard, and the command still saves its state.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

_POLL = 0.1  # seconds between two looks at a child; waiting for it without a limit could not be interrupted
_PR_SET_PDEATHSIG = 1  # of Linux's prctl


def run_child(arguments: Sequence[str], log: Path, variables: Mapping[str, str]) -> int:
    """Run ``python ARGUMENTS`` and return its exit code, 128 more than the signal's number if a signal ended it.

    Its output is appended to the file ``log``; ``variables`` are set in its environment. An exception meanwhile, such
    as KeyboardInterrupt, is raised when the child, asked to end, has done so. Raises OSError where the log cannot be
    written.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-I", "-S", __file__, str(os.getpid()), sys.executable, *arguments]
    environment = {**os.environ, **variables}
    with log.open("ab") as file:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # Ctrl-C in a terminal is for the process that hands out the jobs
        )
    try:
        with _interruptible():
            while child.poll() is None:
                time.sleep(_POLL)
    except BaseException:
        child.terminate()
        while child.poll() is None:
            with suppress(KeyboardInterrupt):
                time.sleep(_POLL)
        raise
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


@contextmanager
def _interruptible() -> Iterator[None]:
    """Context in which Python can be interrupted as Ray does it: not if SIGINT is ignored, as it is in all that a
    shell's background process starts."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def guard(parent: int, command: Sequence[str]) -> int:
    """Run a command for the process ``parent`` and return its exit code as a shell would. Passes SIGTERM on."""
    asked = False
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        if child:
            child.terminate()

    signal.signal(signal.SIGTERM, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # which Ray's processes have blocked
    end_with(parent)
    if asked:
        return 128 + signal.SIGTERM
    own = os.getpid()
    # There is one thread here, so that Python may run in the child before the command does.
    started = subprocess.Popen(command, preexec_fn=lambda: end_with(own))
    child = started
    if asked:
        child.terminate()
    code = child.wait()
    return code if code >= 0 else 128 - code


def end_with(parent: int) -> None:
    """Have the kernel send this process SIGTERM when its parent, the process ``parent``, ends. On Linux alone."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(guard(int(sys.argv[1]), sys.argv[2:]))
