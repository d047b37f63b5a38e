"""Jobs as tasks of Ray: on this machine's cores and GPUs, or on a cluster's.

This process keeps the graph and gives Ray a job when there is room for it. Ray itself repeats nothing: what is left of
a lost worker's job may still be saving its state, and its record says when the job can be taken again.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from loocbench import extras
from loocbench.errors import UserError, printable
from loocbench.executors.child import run_child
from loocbench.executors.dispatch import Amounts, Dispatcher
from loocbench.executors.job import Job
from loocbench.executors.ray_cluster import connected, describe, fit_all, list_variables
from loocbench.executors.records import Record
from loocbench.executors.work import Work

_LOOK = 2.0  # seconds between two looks at jobs that other processes do
_LOSSES = 5  # times that a job is done again whose process was lost; Ray's own limit is 3
_PATIENCE = 600.0  # seconds that interrupted jobs have to save their state


class RayTasks:
    """Ray."""

    detaches = False

    def execute(self, work: Work, *, detach: bool) -> None:
        """As :meth:`loocbench.executors.work.Executor.execute`. Raises UserError for jobs that no node can do."""
        if detach:
            raise UserError("--detach needs an engine that goes on without this process: --executor slurm.")
        ray = extras.require("ray", "ray")
        with connected(ray, work.site.ray.address), _interruptions() as interrupted:
            nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
            _Run(ray, work, fit_all(work.jobs, nodes), interrupted).finish()

    def list_queued(self, numbers: Sequence[str]) -> Mapping[str, str]:
        """Nothing is queued that outlives this process."""
        return {}


RAY = RayTasks()


class _Run:
    """Doing the jobs of ``work``. asked: what Ray is asked for each. interrupted: set when this process is to end."""

    def __init__(self, ray: Any, work: Work, asked: Mapping[str, Amounts], interrupted: threading.Event) -> None:
        self._ray, self._work, self._asked, self._interrupted = ray, work, asked, interrupted
        self._task = ray.remote(run_child)
        self._jobs = {job.name: job for job in work.jobs}
        self._dispatcher = Dispatcher(work.jobs, asked)
        self._at_first = {job.name: work.records.read(job.name) for job in work.jobs}
        self._before: dict[str, Record | None] = {}  # records of begun jobs, as they were before
        self._running: dict[Any, str] = {}  # reference of a task -> its job
        self._began: dict[str, float] = {}
        self._losses = dict.fromkeys(self._jobs, 0)
        self._told: set[str] = set()

    def finish(self) -> None:
        """Do all jobs."""
        try:
            while not self._dispatcher.over:
                self._begin()
                self._report()
                self._collect()
                self._look_aside()
                if self._interrupted.is_set():  # what was raised in one of Ray's callbacks is lost there
                    raise KeyboardInterrupt
            self._report()
        except KeyboardInterrupt:
            self._stop()
            raise

    def _begin(self) -> None:
        for job in self._dispatcher.begin(self._ray.cluster_resources()):
            record = self._work.records.read(job.name)
            if self._is_alive(job.name, record):
                self._put_aside(job.name)
            elif record and record.state == "done" and record != self._at_first[job.name]:
                self._dispatcher.finish(job.name, well=True)  # by another process, since the plan was made
            else:
                self._submit(job, record)
        if not self._dispatcher.begun and not self._dispatcher.aside and self._dispatcher.ready:
            self._tell_once(f"waiting for a node with {describe(self._asked[self._dispatcher.ready[0].name])}")

    def _submit(self, job: Job, before: Record | None) -> None:
        arguments = ["-m", self._work.module, *self._work.command(job)]
        if job.needs.processes > 1:
            launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(job.needs.processes)]
            arguments = [*launcher, *arguments]
        asked = self._asked[job.name]
        task = self._task.options(
            name=job.name,
            num_cpus=asked["CPU"],
            num_gpus=asked["GPU"],
            memory=int(asked["memory"]),
            max_retries=0,
        )
        log = self._work.records.log(job.name).absolute()
        self._before[job.name] = before
        self._began[job.name] = time.monotonic()
        self._running[task.remote(arguments, log, list_variables(job.needs, int(asked["CPU"])))] = job.name

    def _collect(self) -> None:
        """Wait for a moment for tasks to end, and see how."""
        if not self._running:
            time.sleep(_LOOK)
            return
        ended, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_LOOK)
        if ended:
            ended, _ = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        for reference in ended:
            name = self._running.pop(reference)
            try:
                code = self._ray.get(reference)
            except self._ray.exceptions.RayTaskError as error:  # such as a log that cannot be written
                self._fail(name, printable(str(error.cause)))
            except self._ray.exceptions.RayError as error:
                self._lose(name, f"its worker was lost ({type(error).__name__})")
            else:
                self._judge(name, code)

    def _judge(self, name: str, code: int) -> None:
        """See from a child's exit code and its job's record what became of the job."""
        record = self._work.records.read(name)
        if self._is_alive(name, record):  # another process was faster
            self._put_aside(name)
        elif record == self._before[name] and code == 0:
            self._succeed(name)  # there was nothing left to do
        elif record == self._before[name] and code <= 128:
            self._fail(name, f"it ended before it began, with exit code {code}")
        elif record == self._before[name]:  # a signal ended it
            self._lose(name, f"its process ended with exit code {code}")
        else:
            self._end(name, record, f"its process ended with exit code {code}")

    def _end(self, name: str, record: Record | None, otherwise: str) -> None:
        """Note how a job ended by its new record. otherwise: what is said where that gives no reason."""
        if record and record.state == "done":
            self._succeed(name)
        elif record and record.state == "failed":
            self._fail(name, record.failures[0].reason if record.failures else otherwise)
        else:
            self._lose(name, otherwise)

    def _look_aside(self) -> None:
        """See what became of jobs that other processes do."""
        for name in sorted(self._dispatcher.aside):
            record = self._work.records.read(name)
            if not self._is_alive(name, record):
                self._end(name, record, "the process that did it is gone")

    def _is_alive(self, name: str, record: Record | None) -> bool:
        return bool(record and record.state == "running" and self._work.records.is_alive(name, record))

    def _succeed(self, name: str) -> None:
        self._dispatcher.finish(name, well=True)
        took = time.monotonic() - self._began.get(name, time.monotonic())
        done = len(self._dispatcher.done) + len(self._dispatcher.failed)
        self._work.reporter.info(f"[{done}/{len(self._jobs)}] {self._jobs[name].title}: {took / 60:.1f} min")

    def _fail(self, name: str, reason: str) -> None:
        self._dispatcher.finish(name, well=False)
        log = self._work.records.log(name)
        self._work.reporter.info(f"failed, going on: {self._jobs[name].title}: {reason} (log: {log})")

    def _lose(self, name: str, reason: str) -> None:
        self._losses[name] += 1
        if self._losses[name] > _LOSSES:
            self._fail(name, reason)
            return
        self._work.reporter.info(f"{self._jobs[name].title} is done again: {reason}")
        self._dispatcher.again(name)

    def _put_aside(self, name: str) -> None:
        self._dispatcher.put_aside(name)
        self._tell_once(f"waiting for another process, which does {self._jobs[name].title}")

    def _tell_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self._work.reporter.info(message)

    def _report(self) -> None:
        done = len(self._dispatcher.done) + len(self._dispatcher.failed)
        self._work.reporter.update("jobs", done, len(self._jobs), f"{len(self._running)} running")

    def _stop(self) -> None:
        """Ask all running jobs to end, and wait until they have."""
        self._work.reporter.info(f"stopping {len(self._running)} jobs, which save their state")
        for reference in self._running:
            self._ray.cancel(reference, force=False)
        until = time.monotonic() + _PATIENCE
        left = list(self._running)
        while left and time.monotonic() < until:
            _, left = self._ray.wait(left, num_returns=len(left), timeout=_LOOK)


@contextmanager
def _interruptions() -> Iterator[threading.Event]:
    """Context in which SIGTERM is like Ctrl-C: both raise KeyboardInterrupt, and set the event, for jobs to be asked to
    end."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def stop(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
