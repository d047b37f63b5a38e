"""How good the order is in which a suite's jobs begin, and how long it takes to plan 10,000 of them.

Schedules are simulated with a simulated clock: 100 GPUs, 1,000 jobs, each on one GPU. Every fifth is a pretraining, and
four measurements need it. Their minutes are drawn: pretrainings from a log-normal distribution around eight hours, some
methods up to four times as long as others; measurements around half an hour, one in ten ten times as long. The expected
minutes, by which jobs are ordered, are off by a log-normal factor. Schedules are compared with what no schedule can
beat: the longest chain, or all work shared equally.

The plan is the real one, of a made suite card: 10 models with 250 seeds each, tasks of three data sets, nothing of it
there. Planning, listing the jobs, their states and their order are timed, after reading the card; by the clock and by
processor time, the median of five.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from loocbench import provenance
from loocbench.cards import suites
from loocbench.data.entries import ENTRIES
from loocbench.executors.graph import begin_first, shortest_possible, simulate
from loocbench.executors.job import Job, Needs
from loocbench.executors.records import JobRecords
from loocbench.executors.site import Site
from loocbench.jobs.session import Session
from loocbench.jobs.settings import EvaluationSettings
from loocbench.jobs.suite_jobs import SuiteJob, list_jobs
from loocbench.jobs.suite_plan import plan_suite
from loocbench.jobs.suite_status import find_status

GPUS, JOBS, MEASURED = 100, 1_000, 4
METHODS = ("moco", "moco++", "looc", "looc++", "supervised")
DATASETS = ("blooms", "blooms-b", "blooms-c")
KINDS = ("knn", "linear", "retrieval")
RECORD = (
    '{"state": "failed", "began": "2026-01-01T00:00:00+00:00", "time": 0.0, "failures": [{"about": "", "reason": ""}]}'
)


def draw_jobs(generator: np.random.Generator, *, error: float) -> list[tuple[Job, Job]]:
    """Jobs of a suite in the order of its plan: as they are expected to be, and as they will be.

    error: standard deviation of the logarithm of the one by the other.
    """
    jobs = []
    speeds = {method: generator.uniform(1, 4) for method in METHODS}  # as many passes as a method has keys
    for model in range(JOBS // (1 + MEASURED)):
        speed = speeds[METHODS[model % len(METHODS)]]
        minutes = [8 * 60 / 2.5 * speed * generator.lognormal(0, 0.2)]
        minutes += list(30 * generator.lognormal(0, 0.7, MEASURED) * generator.choice([1, 10], MEASURED, p=[0.9, 0.1]))
        for number, each in enumerate(minutes):
            name = f"{model}.{number}"
            after = (f"{model}.0",) if number else ()
            expected = Job(name, name, "kind", Needs(gpus=1), after, each * generator.lognormal(0, error))
            jobs.append((expected, replace(expected, minutes=each)))
    return jobs


def compare_orders(seeds: int) -> None:
    """Print the lengths of schedules, as multiples of what no schedule can beat."""
    print(f"{JOBS:,} jobs on {GPUS} GPUs, simulated, {seeds} draws: median and worst, by the best possible length")
    for title, error in (("times known", 0.0), ("times off by 30 %", 0.3), ("times off by a factor of 2", 0.7)):
        found: dict[str, list[float]] = {"longest chains first": [], "as planned": [], "shortest chains first": []}
        for seed in range(seeds):
            drawn = draw_jobs(np.random.default_rng(seed), error=error)
            real = {each.name: each for _, each in drawn}
            best = shortest_possible(list(real.values()), GPUS)
            planned = [each.name for each, _ in drawn]
            first = [each.name for each in begin_first([each for each, _ in drawn])]
            orders = {"longest chains first": first, "as planned": planned, "shortest chains first": first[::-1]}
            for name, order in orders.items():
                found[name].append(simulate([real[each] for each in order], GPUS) / best)
        shown = ", ".join(f"{name} {statistics.median(all_):.3f} ({max(all_):.3f})" for name, all_ in found.items())
        print(f"  {title}: {shown}")


def make_card(seeds: int) -> suites.SuiteCard:
    """A suite of two models for each method, with so many seeds of each."""
    budget = suites.load_suite("demo").budget
    models = tuple(
        suites.SuiteModel(
            method=method,
            augmentations=augmentations,
            features=("looc++" if "++" in method else "looc",),
            seeds=range(seeds),
        )
        for method in METHODS
        for augmentations in (("color",), ("color", "rotation"))
    )
    tasks = tuple(f"{kind}/{dataset}" for dataset in DATASETS for kind in KINDS)
    about = {"suite": "large", "version": 1, "title": "", "description": "", "cost": "", "pretrain_on": "blooms"}
    return suites.SuiteCard(**about, budget=budget, models=models, tasks=tasks)


def describe_seconds(work: Callable[[], object], repeats: int) -> str:
    """Time calls: median by the clock, and by processor time."""
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    clock, processor = (statistics.median(each) for each in zip(*taken, strict=True))
    return f"{clock:.2f} s ({processor:.2f} s processor time)"


def plan(card: suites.SuiteCard, records: JobRecords) -> list[SuiteJob]:
    """What ``loocbench run SUITE --dry-run`` computes."""
    settings = EvaluationSettings(suite=card.suite)
    models = plan_suite(card, Session(settings), settings)
    jobs = list_jobs(card, models, site=Site(), gpus=0, overwrite=False)
    find_status(jobs, records)
    begin_first([one.job for one in jobs])
    return jobs


def time_planning(seeds: int, repeats: int) -> None:
    """Print how long a plan takes, where nothing was begun and where half of the jobs have a record."""
    for name in DATASETS[1:]:
        ENTRIES[name] = replace(ENTRIES["blooms"], name=name)
    card = make_card(seeds)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        records = JobRecords(Path("records"))
        jobs = plan(card, records)
        rows = sum(len(one.rows) for one in jobs)
        fresh = describe_seconds(lambda: plan(card, records), repeats)
        print(f"{len(jobs):,} jobs with {rows:,} rows are planned in {fresh}; goal: 5 s", flush=True)
        for one in jobs[::2]:
            (records.folder / one.job.name).mkdir(parents=True)
            (records.folder / one.job.name / "state").write_text(RECORD)
        begun = describe_seconds(lambda: plan(card, records), repeats)
        print(f"the same where half of the jobs have a record: {begun}")
        os.chdir("/")


def main() -> None:
    """Simulate, then plan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=250, help="of each of ten models; four jobs each")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(provenance.hardware("cpu"))
    compare_orders(options.draws)
    time_planning(options.seeds, options.repeats)


if __name__ == "__main__":
    main()
