"""Jobs through Slurm, by submitit: arrays that wait for one another in Slurm's own queue, whoever submitted them."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import Any

from loocbench import files
from loocbench.errors import StoppedError, UserError
from loocbench.executors import slurm_options, slurm_queue
from loocbench.executors.records import JobRecords
from loocbench.executors.slurm_arrays import Array, group_alike, split_group
from loocbench.executors.slurm_queue import PATIENCE, PAUSE
from loocbench.executors.slurm_task import Task
from loocbench.executors.work import UnreachableError, Work
from loocbench.extras import require

_FOLDER = ".slurm"  # of submitit's files, beside the records
_LONGEST_END = 60.0  # seconds that are waited for the end of a job's processes; Slurm kills them after KillWait
_POLL = (1.0, 30.0)  # seconds between two looks at the queue: at first, and after some minutes


class Slurm:
    """Slurm's queue. The jobs' dependencies are Slurm's, so this process need not live until they are done."""

    detaches = True

    def execute(self, work: Work, *, detach: bool) -> None:
        """As :meth:`loocbench.executors.work.Executor.execute`; without ``detach`` it waits until all jobs have left
        the queue, also those that another submission of the suite put there. Interrupted, it leaves them there."""
        require("submitit", "slurm")
        for command in ("sbatch", "squeue", "scancel", "srun"):
            if shutil.which(command) is None:
                raise UserError(f"{command} is not there: run this on a machine from which Slurm takes jobs.")
        with work.records.submitting():
            before = find_queued(work)
            numbers = _submit(work, before)
        name = name_jobs(work.records)
        work.reporter.info(
            f"{len(numbers) - len(before)} jobs submitted"
            + (f", {len(before)} were in the queue already" if before else "")
            + f". The same command with --status shows them; scancel --name={name} cancels all."
        )
        if not detach:
            try:
                _wait(work, numbers)
            except KeyboardInterrupt as error:
                raise StoppedError(
                    "interrupted; the jobs stay in Slurm's queue. The same command goes on waiting, with --status it "
                    f"shows them; scancel --name={name} cancels all."
                ) from error

    def list_queued(self, numbers: Sequence[str]) -> Mapping[str, str]:
        """As :meth:`loocbench.executors.work.Executor.list_queued`."""
        return slurm_queue.list_queued(numbers)


def name_jobs(records: JobRecords) -> str:
    """Return the name that all jobs of a suite have at Slurm: no other suite or folder of results has it."""
    folder = records.folder.resolve()
    return f"loocbench-{folder.parent.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"


def find_queued(work: Work) -> dict[str, str]:
    """Return the numbers of the jobs that Slurm still has, by the jobs' names.

    Jobs that end now are waited for: one that was cancelled is to be submitted again, one that was requeued is not.
    """
    submitted = {
        job.name: submission.number
        for job in work.jobs
        if (submission := work.records.read_submission(job.name)) and submission.engine == "slurm"
    }
    until = time.monotonic() + _LONGEST_END
    while True:
        states = slurm_queue.list_states(submitted.values(), patience=PATIENCE)
        if slurm_queue.ENDING not in states.values() or time.monotonic() > until:
            return {name: number for name, number in submitted.items() if number in states}
        time.sleep(PAUSE)


def _submit(work: Work, before: Mapping[str, str]) -> dict[str, str]:
    """Submit the jobs that Slurm does not have. Returns the numbers of all jobs."""
    records, site = work.records, work.site.slurm
    folder = records.folder.absolute() / _FOLDER
    numbers = dict(before)
    due = [job for job in work.jobs if job.name not in before]
    if not due:
        return numbers
    _drop_old_files(folder, _cancel_unrecorded(records))
    stated = site.minutes or all(job.needs.minutes for job in due)
    default = 0.0 if stated and not site.partition else slurm_queue.default_minutes(site)
    for group in group_alike(due):
        for array in split_group(group, numbers, site.array):
            try:
                submitted = _submit_array(work, array, folder, default)
                for job, number in zip(array.jobs, submitted, strict=True):
                    records.write_submission(job.name, "slurm", number)
                    numbers[job.name] = number
            except BaseException as error:
                with suppress(UserError):
                    _cancel_unrecorded(records)
                if isinstance(error, UserError):
                    done = len(numbers) - len(before)
                    kept = f" {done} of {len(due)} jobs were submitted before." if done else ""
                    raise UserError(f"{error}{kept}") from error
                raise
    return numbers


def _submit_array(work: Work, array: Array, folder: Path, default: float) -> list[str]:
    """Submit an array, and return its jobs' numbers. Raises UserError with what sbatch said."""
    submitit = require("submitit", "slurm")
    site, needs, records = work.site.slurm, array.jobs[0].needs, work.records.folder.absolute()
    minutes = slurm_options.limit_minutes(needs, site, default)
    logs = [JobRecords(records).log(job.name) for job in array.jobs]
    tasks = [
        Task(work.module, tuple(work.command(job)), records, job.name, needs.processes, needs.nodes)
        for job in array.jobs
    ]
    try:
        for log in logs:
            log.parent.mkdir(parents=True, exist_ok=True)
        executor = submitit.SlurmExecutor(folder, max_num_timeout=site.requeues, python=slurm_options.make_python(site))
        executor.update_parameters(
            **slurm_options.make_parameters(
                needs, site, minutes, name=name_jobs(work.records), dependency=array.dependency
            ),
            setup=slurm_options.make_setup(site, logs),
            array_parallelism=len(tasks),
        )
        return [job.job_id for job in _submit_patiently(work.records, executor, tasks)]
    except OSError as error:
        raise files.write_error(folder, error) from error


def _submit_patiently(records: JobRecords, executor: Any, tasks: Sequence[Task]) -> Any:
    """Submit, again and again while the controller does not answer. Returns submitit's jobs."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    until = time.monotonic() + PATIENCE
    while True:
        try:
            with redirect_stderr(io.StringIO()):  # submitit prints what it raises
                return executor.submit_array(tasks)
        except FailedSubmissionError as error:
            raise UserError(f"sbatch was not understood: {slurm_queue.shorten(str(error))}.") from error
        except FailedJobError as error:
            message = slurm_queue.shorten(str(error))
            if not slurm_queue.is_unreachable(message):
                raise UserError(f"sbatch refused the jobs: {message}.") from error
            if time.monotonic() > until:
                raise UnreachableError(f"Slurm does not answer (sbatch: {message}); try again later.") from error
            time.sleep(PAUSE)
            _cancel_unrecorded(records)  # it may have taken them without saying so


def _cancel_unrecorded(records: JobRecords) -> set[str]:
    """Cancel jobs of this suite that no record knows: their submission ended between Slurm's answer and the record.

    Returns the numbers of the suite's other jobs in the queue.
    """
    known = {
        submission.number for folder in records.folder.iterdir() if (submission := records.read_submission(folder.name))
    }
    named = set(slurm_queue.list_named(name_jobs(records), patience=PATIENCE))
    slurm_queue.cancel(named - known, patience=PATIENCE)
    return named & known


def _drop_old_files(folder: Path, numbers: Iterable[str]) -> None:
    """Remove submitit's files of jobs that are no longer in the queue. numbers: of those that are."""
    kept = {number.split("_")[0] for number in numbers}
    with suppress(OSError):
        for path in folder.iterdir():
            number = re.match(r"\d+(?=_)", path.name)
            if (number and number[0] not in kept) or (path.is_symlink() and not path.exists()):
                path.unlink(missing_ok=True)


def _wait(work: Work, numbers: Mapping[str, str]) -> None:
    """Wait until all jobs have left Slurm's queue, showing how many have. While it does not answer they may run on."""
    began, told = time.monotonic(), False
    while True:
        try:
            queued = slurm_queue.list_queued(numbers.values())
        except UnreachableError as error:
            if not told:
                work.reporter.info(f"{error} Waiting for it; the jobs run on")
            told = True
        else:
            told = False
            running = Counter(queued.values())["running"]
            work.reporter.update(
                "jobs at Slurm", len(numbers) - len(queued), len(numbers), f"{running} running" if queued else ""
            )
            if not queued:
                return
        time.sleep(min(_POLL[1], _POLL[0] + (time.monotonic() - began) / 20))


SLURM = Slurm()
