"""A child process that does not outlive the one that wants it, however that one ends."""

import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from loocbench.executors import child

WAITS = """
import os, signal, sys, time
def stop(number, frame):
    print('asked to end', flush=True)
    sys.exit(3)
signal.signal(signal.SIGTERM, stop)
print(os.getpid(), os.environ.get('COLOUR'), flush=True)
time.sleep(60)
"""


def run(tmp_path, code, **variables):
    return child.run_child(["-c", code], tmp_path / "job" / "log", variables)


def wait_for(condition):
    until = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.02)
    return found


def said(log, words=1):
    """The words of a log, once there are some."""
    return wait_for(lambda: log.exists() and len(log.read_text().split()) >= words and log.read_text().split())


def is_there(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_output_is_appended_and_the_exit_code_returned(tmp_path):
    code = "import os, sys; print(os.environ['COLOUR']); print('trouble', file=sys.stderr); sys.exit({})"
    assert run(tmp_path, code.format(0), COLOUR="red") == 0
    assert run(tmp_path, code.format(7), COLOUR="blue") == 7
    assert (tmp_path / "job" / "log").read_text().split() == ["red", "trouble", "blue", "trouble"]


def test_the_end_by_a_signal_is_told_as_shells_do(tmp_path):
    assert run(tmp_path, "import os; os.kill(os.getpid(), 9)") == 128 + 9


def test_an_interruption_asks_the_child_to_end_and_waits(tmp_path):
    log = tmp_path / "job" / "log"

    def interrupt():
        said(log, words=2)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, WAITS)
    thread.join()
    process, _, *rest = said(log)
    assert rest == ["asked", "to", "end"]
    assert not is_there(int(process))


def test_it_can_be_interrupted_in_what_a_background_process_started(tmp_path):
    """There SIGINT is ignored; Ray interrupts a task by what SIGINT would do."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        thread = threading.Thread(target=lambda: (said(tmp_path / "job" / "log", words=2), _thread.interrupt_main()))
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, WAITS)
        thread.join()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent ended")
@pytest.mark.parametrize("victim", ["the process that wanted it", "the guard"])
def test_the_child_is_asked_to_end_when_the_one_above_it_is_killed(tmp_path, victim):
    log = tmp_path / "log"
    code = f"from pathlib import Path; from loocbench.executors import child; child.run_child(['-c', {WAITS!r}], "
    above = subprocess.Popen([sys.executable, "-c", f"{code}Path({str(log)!r}), {{}})"])
    try:
        process = int(said(log, words=2)[0])
        guard = int(wait_for(lambda: Path(f"/proc/{process}/stat").read_text().split()[3]))
        os.kill(above.pid if victim == "the process that wanted it" else guard, signal.SIGKILL)
        assert said(log, words=5)[2:] == ["asked", "to", "end"]
        wait_for(lambda: not is_there(process))
    finally:
        above.kill()
        above.wait()


def test_a_log_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "job").write_text("")
    with pytest.raises(OSError, match="job"):
        run(tmp_path, "")
