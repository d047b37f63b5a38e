"""The graph of jobs: what must be done before what, what a failure takes with it, and which job to begin first."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from loocbench.executors.job import Job

UNKNOWN_MINUTES = 1.0  # of a job whose time is not known, when jobs are ordered


def require_order(jobs: Sequence[Job]) -> None:
    """Raise ValueError unless names are unique and each job comes after all those that it needs."""
    seen: set[str] = set()
    for job in jobs:
        if job.name in seen:
            raise ValueError(f"two jobs are called {job.name}")
        if missing := set(job.after) - seen:
            raise ValueError(f"{job.name} comes before {min(missing)}, which it needs")
        seen.add(job.name)


def find_dependents(jobs: Sequence[Job], failed: Collection[str]) -> set[str]:
    """Return the names of all jobs that need a failed one, directly or through others. jobs: in order."""
    held: set[str] = set()
    for job in jobs:
        if not held.union(failed).isdisjoint(job.after):
            held.add(job.name)
    return held - set(failed)


def chain_minutes(jobs: Sequence[Job]) -> dict[str, float]:
    """Return, for each job, the minutes from its beginning to the end of the longest chain of jobs that need it."""
    longest: dict[str, float] = defaultdict(float)  # of the jobs that need a job
    chains = {}
    for job in reversed(jobs):
        chains[job.name] = minutes_of(job) + longest[job.name]
        for name in job.after:
            longest[name] = max(longest[name], chains[job.name])
    return chains


def begin_first(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs in the order in which to begin them: those at the head of the longest chains first.

    Each still comes after those that it needs: its chain is shorter than theirs.
    """
    chains = chain_minutes(jobs)
    return sorted(jobs, key=lambda job: -chains[job.name])


def simulate(jobs: Sequence[Job], workers: int) -> float:
    """Return the minutes until all jobs are done by ``workers`` that each do one at a time.

    A free worker begins the first job of ``jobs`` whose needs are met, as schedulers do.
    """
    waiting = {job.name: len(job.after) for job in jobs}
    dependents: Mapping[str, list[Job]] = defaultdict(list)
    place = {job.name: number for number, job in enumerate(jobs)}
    for job in jobs:
        for name in job.after:
            dependents[name].append(job)
    ready = [(place[job.name], job) for job in jobs if not job.after]
    heapq.heapify(ready)
    running: list[tuple[float, int, Job]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < workers:
            number, job = heapq.heappop(ready)
            heapq.heappush(running, (now + minutes_of(job), number, job))
        now, _, done = heapq.heappop(running)
        for job in dependents[done.name]:
            waiting[job.name] -= 1
            if not waiting[job.name]:
                heapq.heappush(ready, (place[job.name], job))
    return now


def shortest_possible(jobs: Sequence[Job], workers: int) -> float:
    """Return minutes that no schedule can do with less: the longest chain, or all work shared equally."""
    return max([*chain_minutes(jobs).values(), sum_minutes(jobs) / workers], default=0.0)


def sum_minutes(jobs: Iterable[Job]) -> float:
    """Return the minutes of all jobs one after another."""
    return sum(minutes_of(job) for job in jobs)


def minutes_of(job: Job) -> float:
    """Return the expected minutes of a job."""
    return UNKNOWN_MINUTES if job.minutes is None else job.minutes
