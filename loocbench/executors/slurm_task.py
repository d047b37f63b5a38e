"""A job on a node of Slurm: the process that submitit starts there, which starts the job's own and has it requeued."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from loocbench.errors import UserError
from loocbench.executors import slurm_queue
from loocbench.executors.records import JobRecords

_PAUSE = 0.1  # seconds between two looks at the job's process
_BUSY = 10.0  # seconds until it is tried again to do a job that another process does


@dataclass(frozen=True)
class Task:
    """What submitit calls on each node of a job. folder: of the suite's records.

    The job's own process saves what it has on SIGTERM. It gets it shortly before the time limit, of which Slurm tells
    this process by SIGUSR2, and from Slurm itself when the job is preempted or cancelled. Afterwards the job is
    requeued, unless Slurm does so itself or was told to cancel it.
    """

    module: str
    arguments: tuple[str, ...]
    folder: Path
    job: str
    processes: int = 1
    nodes: int = 1

    def __call__(self) -> None:
        """Do the job. Ends this process with the code of the job's own if that is not 0."""
        import submitit

        environment = submitit.JobEnvironment()
        self._drop_parts(environment)
        by_submitit: Any = signal.getsignal(signal.SIGUSR2)
        asked: set[int] = set()

        def ask(number: int, frame: FrameType | None) -> None:
            asked.add(number)

        for number in (signal.SIGTERM, signal.SIGUSR2):
            signal.signal(number, ask)
        command = self.make_command(environment.hostnames, int(environment.raw_job_id))
        while True:
            began = time.time()
            code = run_until_asked(command, asked)
            if asked or not self._is_done_elsewhere():
                break
            print(f"another process does {self.job}; waiting for it", flush=True)
            _sleep_unless(asked, _BUSY)
        if code and asked and not self._has_failed(began):
            if signal.SIGUSR2 in asked or _is_running(environment.raw_job_id):
                signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the requeue's own
                by_submitit(signal.SIGUSR2, None)  # counts, requeues this job and ends the process
            else:
                print("stopped; Slurm has taken this job away", flush=True)
        if code:
            _exit(code)

    def checkpoint(self) -> Any:
        """Return what a requeued job does: the same, since the job's process goes on from what it saved."""
        import submitit

        return submitit.helpers.DelayedSubmission(replace(self))

    def make_command(self, hosts: Sequence[str], number: int) -> list[str]:
        """Return the command of this node's process. hosts: the job's nodes. number: the job's at Slurm."""
        if self.processes == 1:
            return [sys.executable, "-m", self.module, *self.arguments]
        torchrun = [sys.executable, "-m", "torch.distributed.run", f"--nproc-per-node={self.processes // self.nodes}"]
        if self.nodes == 1:
            torchrun.append("--standalone")
        else:
            port = 20000 + number % 20000  # one that another job on that node hardly has
            torchrun += [f"--nnodes={self.nodes}", "--rdzv-backend=c10d", f"--rdzv-id={number}"]
            torchrun.append(f"--rdzv-endpoint={hosts[0]}:{port}")
        return [*torchrun, "-m", self.module, *self.arguments]

    def _is_done_elsewhere(self) -> bool:
        """Whether the job's process ended at once because another one does the job: those that need it must wait."""
        records = JobRecords(self.folder)
        record = records.read(self.job)
        return record is not None and record.state == "running" and records.is_alive(self.job, record)

    def _has_failed(self, began: float) -> bool:
        record = JobRecords(self.folder).read(self.job)
        return record is not None and record.state == "failed" and record.time >= began

    def _drop_parts(self, environment: Any) -> None:
        """Remove what submitit had begun to write when it was killed: it refuses to write it again."""
        for path in (environment.paths.result_pickle, environment.paths.submitted_pickle):
            with suppress(OSError):
                path.with_suffix(f"{path.suffix}.save_tmp").unlink(missing_ok=True)


def run_until_asked(command: Sequence[str], asked: set[int]) -> int:
    """Run a command and return its code. It gets SIGTERM once SIGUSR2 is in ``asked``; SIGTERM comes from Slurm."""
    # Slurm sends SIGUSR2 to all processes of the step: the job's own must not die of it.
    process = subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGUSR2, signal.SIG_IGN))
    told = False
    while (code := process.poll()) is None:
        if signal.SIGUSR2 in asked and not told:
            process.terminate()
            told = True
        time.sleep(_PAUSE)
    return code


def _sleep_unless(asked: set[int], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not asked and time.monotonic() < until:
        time.sleep(_PAUSE)


def _is_running(number: str) -> bool:
    """Whether Slurm means this job to run: it is preempted with grace then, and neither cancelled nor requeued."""
    try:
        return slurm_queue.ask("squeue", "--noheader", "--format=%T", f"--jobs={number}").strip() == "RUNNING"
    except UserError:
        return False


def _exit(code: int) -> NoReturn:
    """End this process as the job's own ended: not by an exception, whose traceback would say nothing more."""
    sys.exit(code if code > 0 else 128 - code)
