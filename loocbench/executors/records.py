"""What is known of a suite's jobs, in files that any process can read: ``RESULTS/SUITE/.jobs/JOB/``.

state       written by the process that does the job: running, done, failed or stopped, and since when
submitted   written by the process that handed the job to a scheduler: its number there
log         what the job printed
lock        held while a process does the job
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from loocbench import files, provenance
from loocbench.errors import StoppedError, UserError, printable

BEAT = 15.0  # seconds between two signs of life of a running job
SILENT = 90.0  # seconds without one after which it is taken for lost
_LOOK = 0.3  # seconds; who only looks whether a job's process lives holds its lock for less

State = Literal["running", "done", "failed", "stopped"]


class BusyError(Exception):
    """Another process does this job."""


@dataclass(frozen=True)
class Failure:
    """A part of a job that could not be done. about: which, such as a task with its features; empty for all of it."""

    about: str
    reason: str


class JobFailedError(UserError):
    """A job could not be done, or not all of it."""

    def __init__(self, *failures: Failure) -> None:
        first = failures[0]
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        super().__init__(f"{first.about}: {first.reason}{more}" if first.about else f"{first.reason}{more}")
        self.failures = failures


@dataclass(frozen=True)
class Record:
    """The state file of a job. began, ended: UTC, ISO 8601. time: seconds since 1970, when it was written.

    attempt: how many times it was begun. host, process: where it is or was done.
    """

    state: State
    began: str
    time: float
    attempt: int = 1
    ended: str = ""
    host: str = ""
    process: int = 0
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class Submission:
    """The file that says which scheduler has a job. number: by which the scheduler knows it."""

    engine: str
    number: str
    time: float


@dataclass(frozen=True)
class JobRecords:
    """The records of a suite's jobs, below ``folder``."""

    folder: Path

    def log(self, job: str) -> Path:
        """Path of what a job printed."""
        return self.folder / job / "log"

    def read(self, job: str) -> Record | None:
        """Return a job's state; None if it was never begun, or its file cannot be read."""
        fields = self._read(job, "state")
        try:
            failures = tuple(Failure(**failure) for failure in fields.pop("failures", ()))
            return Record(**fields, failures=failures) if fields else None
        except (TypeError, AttributeError):
            return None

    def read_submission(self, job: str) -> Submission | None:
        """Return who has a job; None if it was never submitted, or the file cannot be read."""
        fields = self._read(job, "submitted")
        try:
            return Submission(**fields) if fields else None
        except TypeError:
            return None

    def write_submission(self, job: str, engine: str, number: str) -> None:
        """Note that a scheduler has taken a job. Raises UserError where the file cannot be written."""
        self._write(job, "submitted", asdict(Submission(engine, number, time.time())))

    @contextmanager
    def submitting(self) -> Iterator[None]:
        """Context in which no other process submits jobs of this suite. Raises UserError if one does."""
        files.require_writable(self.folder)
        try:
            with FileLock(self.folder / "submitting.lock", timeout=30):
                yield
        except Timeout as error:
            raise UserError("another process submits jobs of this suite; wait until it is ready.") from error

    @contextmanager
    def claim(self, job: str) -> Iterator[int]:
        """Context in which this process does a job, and which leaves its state. Yields the attempt, from 1.

        Raises BusyError if another process does it. What the block raises is passed on: JobFailedError and any other
        exception leave "failed", StoppedError and KeyboardInterrupt "stopped".
        """
        files.require_writable(self.folder / job)
        lock = FileLock(self.folder / job / "lock", timeout=_LOOK)
        try:
            lock.acquire()
        except Timeout as error:
            raise BusyError from error
        try:
            before = self.read(job)
            if before and before.state == "running" and before.host != socket.gethostname() and self._beats(job):
                raise BusyError  # on another machine, where this file system does not share locks
            begun = Record(
                "running",
                provenance.now(),
                time.time(),
                attempt=1 + (before.attempt if before else 0),
                host=socket.gethostname(),
                process=os.getpid(),
            )
            self._write(job, "state", asdict(begun))
            with self._beating(job):
                yield from self._watch(job, begun)
        finally:
            lock.release()

    def _watch(self, job: str, begun: Record) -> Iterator[int]:
        state: State = "failed"
        failures: tuple[Failure, ...] = ()
        try:
            yield begun.attempt
            state = "done"
        except (StoppedError, KeyboardInterrupt) as error:
            state, failures = "stopped", (Failure("", printable(str(error)) or "interrupted"),)
            raise
        except JobFailedError as error:
            failures = error.failures
            raise
        except BaseException as error:
            text = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            failures = (Failure("", printable(text)),)
            raise
        finally:
            ended = Record(
                state,
                begun.began,
                time.time(),
                attempt=begun.attempt,
                ended=provenance.now(),
                host=begun.host,
                process=begun.process,
                failures=failures,
            )
            with suppress(UserError):  # a full disk: the silence of the heartbeat tells
                self._write(job, "state", asdict(ended))

    def is_alive(self, job: str, record: Record) -> bool:
        """Whether the process of a "running" job still lives: by its lock on this machine, its signs of life on
        another."""
        if record.host != socket.gethostname():
            return self._beats(job)
        try:
            with FileLock(self.folder / job / "lock", timeout=0):
                return False
        except Timeout:
            return True
        except OSError:  # a folder that may only be read
            return self._beats(job)

    def _beats(self, job: str) -> bool:
        """Whether a job's state file was touched lately, by the file system's own clock: those of machines differ."""
        clock = self.folder / ".clock"
        try:
            with suppress(OSError):
                clock.touch()
            now = clock.stat().st_mtime if clock.exists() else time.time()
            return now - self._state_path(job).stat().st_mtime < SILENT
        except OSError:
            return False

    @contextmanager
    def _beating(self, job: str) -> Iterator[None]:
        """Context in which the state file is touched again and again."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(BEAT):
                with suppress(OSError):
                    os.utime(self._state_path(job))

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _state_path(self, job: str) -> Path:
        return self.folder / job / "state"

    def _read(self, job: str, name: str) -> dict[str, Any]:
        try:
            fields = json.loads((self.folder / job / name).read_bytes())
        except (OSError, ValueError):
            return {}
        return fields if isinstance(fields, dict) else {}

    def _write(self, job: str, name: str, fields: dict[str, Any]) -> None:
        files.write_text(self.folder / job / name, json.dumps(fields, indent=1) + "\n")
