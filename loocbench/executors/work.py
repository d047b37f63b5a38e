"""What an executor is given, and what it must offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from loocbench.errors import UserError
from loocbench.executors.job import Job
from loocbench.executors.records import JobRecords
from loocbench.executors.site import Site
from loocbench.progress import Reporter


class UnreachableError(UserError):
    """An engine does not answer: what it does is unknown."""


@dataclass(frozen=True)
class Work:
    """Jobs to be done: each comes after those that it needs.

    do: does a job in this process, as :meth:`JobRecords.claim` expects it. command: the arguments that do a job in a
    process of its own, on any machine that sees the same folders; ``python -m module`` takes them.
    """

    jobs: Sequence[Job]
    do: Callable[[Job], None]
    command: Callable[[Job], Sequence[str]]
    records: JobRecords
    site: Site
    reporter: Reporter
    module: str = "loocbench"


class Executor(Protocol):
    """Does jobs. Results come back as checkpoints and rows alone, and what failed as the jobs' records."""

    detaches: bool  # whether :meth:`execute` can return before the jobs are done

    def execute(self, work: Work, *, detach: bool) -> None:
        """Do all jobs, or with ``detach`` hand them to a scheduler and return.

        A job that fails takes with it those that need it, and no other. Raises UserError where the engine is not there
        or refuses the jobs, StoppedError when interrupted.
        """

    def list_queued(self, numbers: Sequence[str]) -> Mapping[str, str]:
        """Return the state of each submitted job that the scheduler still has, by its number: "queued" or "running".

        Raises UnreachableError if it does not answer.
        """
