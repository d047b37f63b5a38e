"""Locks: of several processes one at a time makes something, and no lock file stays behind."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from loocbench.cache import locks
from loocbench.errors import UserError
from loocbench.progress import Silent

pytest.importorskip("fcntl")


class Listening(Silent):
    """Keeps the lines that it is given."""

    def __init__(self):
        self.lines = []

    def info(self, message):
        """Keep a line."""
        self.lines.append(message)


def test_a_lock_file_exists_while_it_is_held_and_not_afterwards(tmp_path):
    path = tmp_path / "new folder" / "a.lock"
    with locks.locked(path, "makes a", Silent()):
        assert path.exists()
        assert locks.is_locked(path)
        with locks.locked_if_free(path) as free:
            assert not free
    assert not list(path.parent.iterdir())
    assert not locks.is_locked(path)


def test_a_lock_file_goes_after_an_error_too(tmp_path):
    with pytest.raises(RuntimeError), locks.locked(tmp_path / "a.lock", "makes a", Silent()):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_whoever_waits_says_for_what(tmp_path):
    path, reporter, order = tmp_path / "a.lock", Listening(), []

    def wait():
        with locks.locked(path, "makes a", reporter):
            order.append("second")

    with locks.locked(path, "makes a", Silent()):
        thread = threading.Thread(target=wait)
        thread.start()
        while not reporter.lines:
            time.sleep(0.01)
        order.append("first")
    thread.join(10)
    assert reporter.lines == ["waiting for another process that makes a"]
    assert order == ["first", "second"]
    assert not path.exists()


def test_what_a_killed_process_left_is_free(tmp_path):
    path = tmp_path / "a.lock"
    path.touch()
    assert not locks.is_locked(path)
    assert path.exists()  # looking removes nothing
    with locks.locked_if_free(path) as free:
        assert free
    assert not path.exists()


RACING = """
import os, sys, time
from pathlib import Path
from loocbench.cache import locks
from loocbench.progress import Silent
folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
(folder / f"ready-{os.getpid()}").touch()
while not (folder / "go").exists():
    time.sleep(0.001)
for turn in range(rounds):
    with locks.locked(folder / "a.lock", "counts", Silent()):
        os.close(os.open(folder / "alone", os.O_CREAT | os.O_EXCL))  # an error if another process is here too
        count = int((folder / "count").read_text())
        if turn % 3 == 0:
            time.sleep(0.0005)
        (folder / "count").write_text(str(count + 1))
        (folder / "alone").unlink()
"""


def race(folder, code, processes, *arguments):
    """Run ``code`` in several processes that begin together. Returns their exit codes."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", textwrap.dedent(code), str(folder), *arguments]
    running = [subprocess.Popen(command, env=environment) for _ in range(processes)]
    deadline = time.monotonic() + 60
    while len(list(folder.glob("ready-*"))) < processes and time.monotonic() < deadline:
        time.sleep(0.01)
    (folder / "go").touch()
    return [process.wait(120) for process in running]


def test_racing_processes_are_never_in_it_together(tmp_path):
    """Each round removes the lock file, while the others wait for it, open it or make it anew."""
    (tmp_path / "count").write_text("0")
    assert race(tmp_path, RACING, 4, "200") == [0] * 4
    assert (tmp_path / "count").read_text() == "800"
    assert not (tmp_path / "a.lock").exists()


def test_the_next_in_line_goes_on_when_the_holder_is_killed(tmp_path):
    code = "from loocbench.progress import Silent; from loocbench.cache import locks; from pathlib import Path\n"
    code += "import sys, time\n"
    code += "with locks.locked(Path(sys.argv[1]), 'waits', Silent()): print('held', flush=True); time.sleep(60)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    path = tmp_path / "a.lock"
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, env=environment)
    assert holder.stdout.readline() == b"held\n"
    assert locks.is_locked(path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert path.exists()
    with locks.locked(path, "makes a", Silent()):
        pass
    assert not path.exists()


def test_without_flock_filelock_takes_over(tmp_path, monkeypatch):
    def unsupported(handle, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "fcntl", SimpleNamespace(flock=unsupported, LOCK_EX=2, LOCK_SH=1, LOCK_NB=4, LOCK_UN=8))
    path = tmp_path / "a.lock"
    with locks.locked(path, "makes a", Silent()):
        assert locks.is_locked(path)
        with locks.locked_if_free(path) as free:
            assert not free
    with locks.locked_if_free(path) as free:
        assert free


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match="a file stands where a folder is needed"),
        locks.locked(tmp_path / "file" / "a.lock", "makes a", Silent()),
    ):
        pass


def test_a_reader_waits_for_whoever_holds_the_file_alone(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"1")
    alone = locks.take_exclusive(path)
    assert alone is not None
    threading.Timer(0.2, alone.close).start()
    held = locks.hold_shared(path)
    assert held is not None
    assert locks.take_exclusive(path) is None
    held.close()
    assert locks.take_exclusive(path) is not None


def test_a_file_that_is_not_there_cannot_be_held(tmp_path):
    assert locks.hold_shared(tmp_path / "absent") is None
    assert locks.take_exclusive(tmp_path / "absent") is None
