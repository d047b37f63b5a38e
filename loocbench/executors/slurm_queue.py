"""Asking and telling Slurm's controller. Never by ``sacct``, which needs accounting, which not every site has."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterable, Mapping

from loocbench.errors import UserError, printable
from loocbench.executors.site import SlurmSite
from loocbench.executors.work import UnreachableError

PATIENCE = 120.0  # seconds that a submission waits for a controller that does not answer
PAUSE = 3.0  # seconds until it is asked again
ENDING = "COMPLETING"  # of a job whose processes are told to end: cancelled ones then go, requeued ones stay
_LONGEST = 90.0  # seconds for one command; Slurm's own limits are shorter

_UNREACHABLE = re.compile(
    r"unable to contact|timed out|zero bytes|connection refused|connection failure|standby mode|"
    r"temporarily unable|temporarily unavailable|protocol authentication|munge|transport endpoint",
    re.IGNORECASE,
)
_WAITING = {"PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT"}


def list_queued(numbers: Iterable[str]) -> dict[str, str]:
    """Return the state of each of these jobs that Slurm still has: "queued", or "running" until its last process ended.

    Raises UnreachableError.
    """
    states = list_states(numbers).items()
    return {number: "queued" if state in _WAITING else "running" for number, state in states}


def list_states(numbers: Iterable[str], *, patience: float = 0.0) -> dict[str, str]:
    """Return Slurm's name of the state of each of these jobs that it still has.

    numbers: ID, or ID_INDEX in an array. patience: seconds until it is given up to ask. Raises UnreachableError.
    """
    wanted = set(numbers)
    if not wanted:
        return {}
    jobs = ",".join(sorted({number.split("_")[0] for number in wanted}))
    printed = _look("--format=%i|%T", f"--jobs={jobs}", patience=patience)
    found = dict(line.strip().split("|") for line in printed.splitlines() if "|" in line)
    return {number: state for number, state in found.items() if number in wanted}


def list_named(name: str, *, patience: float = 0.0) -> list[str]:
    """Return the numbers of all jobs of this name that Slurm has. Raises UnreachableError."""
    return _look("--format=%i", f"--name={name}", patience=patience).split()


def cancel(numbers: Iterable[str], *, patience: float = 0.0) -> None:
    """Take jobs out of the queue, also running ones. Raises UserError."""
    if stated := sorted(numbers):
        ask("scancel", *stated, patience=patience)


def default_minutes(site: SlurmSite) -> float:
    """Return the time limit of jobs that state none, in minutes; 0 where there is no limit.

    Raises UserError for an unknown partition.
    """
    limits = read_limits(ask("sinfo", "--noheader", "--all", "--format=%P|%L|%l", patience=PATIENCE))
    names = [name.rstrip("*") for name in limits]
    wanted = [name for name in limits if name.endswith("*")]
    if site.partition:
        for part in site.partition.split(","):
            if part not in names:
                raise UserError(f"Slurm has no partition '{part}'. Available: {', '.join(names)}.")
        wanted = [name for name in limits if name.rstrip("*") in site.partition.split(",")]
    if not wanted:
        raise UserError(f"Slurm has no default partition; name one in the site's file: {', '.join(names)}.")
    return min((limits[name] for name in wanted if limits[name]), default=0.0)


def read_limits(printed: str) -> dict[str, float]:
    """Return partition -> minutes from ``sinfo --format=%P|%L|%l``: the default limit, else the longest, else 0."""
    limits = {}
    for line in printed.splitlines():
        name, *stated = line.strip().split("|")
        limits[name] = next((minutes for text in stated if (minutes := _read_minutes(text))), 0.0)
    return limits


def _read_minutes(text: str) -> float:
    """Return minutes from Slurm's [days-]hours:minutes:seconds, minutes:seconds or minutes; 0 for no limit."""
    match = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text)
    if match is None:
        return 0.0
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return 1440 * days + 60 * hours + minutes + seconds / 60


def _look(*options: str, patience: float) -> str:
    """Return what ``squeue`` prints, a line for each job of an array. Raises UnreachableError for any trouble: that
    nothing could be asked must never be taken for an empty queue."""
    try:
        return ask("squeue", "--noheader", "--array", *options, patience=patience)
    except UnreachableError:
        raise
    except UserError as error:
        if "invalid job id" in str(error).lower():  # of a single job that is long gone
            return ""
        raise UnreachableError(str(error)) from error


def ask(*command: str, patience: float = 0.0, env: Mapping[str, str] | None = None) -> str:
    """Return what a command of Slurm prints.

    Raises UnreachableError if the controller does not answer for ``patience`` seconds, UserError for what it refuses
    and for a command that is not there.
    """
    until = time.monotonic() + patience
    while True:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST, check=False, env=env)
        except OSError as error:
            raise UserError(f"{command[0]} is not there: use a machine that has Slurm's commands.") from error
        except subprocess.TimeoutExpired:
            message = f"no answer in {_LONGEST:g} s"
        else:
            if done.returncode == 0:
                return done.stdout
            message = shorten(done.stderr)
            if not is_unreachable(message):
                raise UserError(f"{command[0]}: {message}.")
        if time.monotonic() > until:
            raise UnreachableError(f"Slurm does not answer ({command[0]}: {message}); try again later.")
        time.sleep(PAUSE)


def is_unreachable(message: str) -> bool:
    """Whether a message of Slurm is about its controller being away for now, not about what was asked."""
    return _UNREACHABLE.search(message) is not None


def shorten(printed: str) -> str:
    """Return what a command of Slurm printed as one line, without the command's name before each sentence."""
    lines = [re.sub(r"^\w+: (error: |fatal: )?|\.$", "", line.strip()) for line in printed.splitlines()]
    return printable("; ".join(line for line in dict.fromkeys(lines) if line)) or "it failed without a word"
