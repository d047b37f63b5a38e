"""Which jobs to begin now: those whose needs are met, the head of the longest chain first, no more than fit at once."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence

from loocbench.executors.job import Job

Amounts = Mapping[str, float]  # resource -> how much of it


class Dispatcher:
    """What is left of a graph of jobs. jobs: in order of priority, each after those that it needs. needs: of each job.

    A job is waiting for others, ready, begun, put aside, or ended.
    """

    def __init__(self, jobs: Sequence[Job], needs: Mapping[str, Amounts]) -> None:
        self.failed: set[str] = set()  # also those held back by a job that failed
        self.done: set[str] = set()
        self.begun: set[str] = set()
        self.aside: set[str] = set()
        self._jobs = {job.name: job for job in jobs}
        self._place = {job.name: place for place, job in enumerate(jobs)}
        self._needs = needs
        self._missing = {job.name: len(set(job.after)) for job in jobs}
        self._dependents: Mapping[str, list[str]] = defaultdict(list)
        for job in jobs:
            for name in set(job.after):
                self._dependents[name].append(job.name)
        self._ready = [self._place[job.name] for job in jobs if not job.after]
        self._names = list(self._jobs)

    @property
    def over(self) -> bool:
        """Whether every job has ended or is held back."""
        return len(self.done) + len(self.failed) == len(self._jobs)

    @property
    def ready(self) -> list[Job]:
        """The jobs that could begin, in order."""
        return [self._jobs[self._names[place]] for place in sorted(self._ready)]

    def begin(self, total: Amounts) -> list[Job]:
        """Return the jobs to begin now, in order. total: all that there is of each resource.

        The first job that does not fit keeps its place: those after it begin if they leave it what becomes free.
        """
        left = dict(total)
        for name in self.begun:
            _subtract(left, self._needs[name])
        chosen: list[Job] = []
        later: list[int] = []
        held = False
        while self._ready and left.get("CPU", 0) > 0:
            place = heapq.heappop(self._ready)
            name = self._names[place]
            if all(left.get(kind, 0) >= amount for kind, amount in self._needs[name].items() if amount > 0):
                _subtract(left, self._needs[name])
                self.begun.add(name)
                chosen.append(self._jobs[name])
            else:
                later.append(place)
                if not held:
                    _subtract(left, self._needs[name])
                held = True
        for place in later:
            heapq.heappush(self._ready, place)
        return chosen

    def finish(self, name: str, *, well: bool) -> None:
        """Note that a job has ended, which was begun or put aside. If not well, its dependents end with it."""
        self._leave(name)
        if well:
            self.done.add(name)
            for dependent in self._dependents[name]:
                self._missing[dependent] -= 1
                if not self._missing[dependent]:
                    heapq.heappush(self._ready, self._place[dependent])
            return
        lost = [name]
        while lost:
            each = lost.pop()
            if each not in self.failed:
                self.failed.add(each)
                lost += self._dependents[each]

    def again(self, name: str) -> None:
        """Make a begun job, or one put aside, ready again."""
        self._leave(name)
        heapq.heappush(self._ready, self._place[name])

    def put_aside(self, name: str) -> None:
        """Keep a begun job for later: another process does it now."""
        self._leave(name)
        self.aside.add(name)

    def _leave(self, name: str) -> None:
        self.begun.discard(name)
        self.aside.discard(name)


def _subtract(left: dict[str, float], needs: Amounts) -> None:
    for kind, amount in needs.items():
        left[kind] = left.get(kind, 0) - amount
