"""Which jobs are submitted together, as an array, and on what they wait. A job's index is its place in its array."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loocbench.executors.job import Job, Needs


@dataclass(frozen=True)
class Array:
    """Jobs that are submitted together. dependency: as ``sbatch --dependency``; empty for none."""

    jobs: tuple[Job, ...]
    dependency: str = ""


def group_alike(jobs: Sequence[Job]) -> list[list[Job]]:
    """Return the jobs in groups of one kind and equal needs; each group comes after those that its jobs need.

    jobs: each after those that it needs, those to be begun first at the front, which groups keep.
    """
    depths: dict[str, int] = {}
    groups: dict[tuple[int, str, Needs], list[Job]] = defaultdict(list)
    for job in jobs:
        depth = 1 + max((depths[name] for name in job.after if name in depths), default=-1)
        depths[job.name] = depth
        groups[depth, job.kind, job.needs].append(job)
    return [group for _, group in sorted(groups.items(), key=lambda item: item[0][0])]


def split_group(group: Sequence[Job], numbers: Mapping[str, str], most: int) -> list[Array]:
    """Return the jobs of a group as arrays of at most ``most``.

    numbers: at Slurm, of all jobs that one of the group may have to wait for. Where the jobs need those of another
    array in its order, each waits for its own (``aftercorr``); others wait for the very jobs that they need.
    """
    needed = {job.name: tuple(numbers[name] for name in job.after if name in numbers) for job in group}
    corresponding: dict[str, dict[int, Job]] = defaultdict(dict)  # array -> index -> the job that needs that one alone
    for job in group:
        if len(needed[job.name]) == 1 and "_" in needed[job.name][0]:
            array, index = needed[job.name][0].split("_")
            corresponding[array].setdefault(int(index), job)
    arrays = []
    placed: set[str] = set()
    for array, by_index in corresponding.items():
        jobs: list[Job] = []
        while len(jobs) < most and len(jobs) in by_index:  # submitit's arrays begin at 0 and have no gaps
            jobs.append(by_index[len(jobs)])
        if len(jobs) > 1:
            arrays.append(Array(tuple(jobs), f"aftercorr:{array}"))
            placed.update(job.name for job in jobs)
    same: dict[tuple[str, ...], list[Job]] = defaultdict(list)
    for job in group:
        if job.name not in placed:
            same[needed[job.name]].append(job)
    for after, jobs in same.items():
        dependency = ":".join(("afterok", *after)) if after else ""
        arrays += [Array(tuple(jobs[begin : begin + most]), dependency) for begin in range(0, len(jobs), most)]
    return arrays
