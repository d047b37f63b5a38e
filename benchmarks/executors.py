"""What an engine costs: the overhead of a job that does nothing, and eight equal jobs on two workers beside one.

    python benchmarks/executors.py --engine slurm --cores 4     # cores that the engine has in all

Jobs sleep, so the processor is free for the engine, and one worker is made of all cores. Prints the hardware, the time
of one empty job from its submission to the end of the suite, the time that each further one adds, and the time of eight
jobs on two workers against half of that on one, each without the time of one empty job: the start of the engine.
``python -m tests.executors.slurm_cluster`` starts a Slurm of one node with four cores on this machine.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from loocbench import provenance
from loocbench.executors import get_executor
from loocbench.executors.job import Job, Needs
from loocbench.executors.records import JobRecords
from loocbench.executors.site import read_site
from loocbench.executors.work import Work
from loocbench.progress import Silent

CHECKOUT = Path(__file__).parents[1]
JOBS = 8


def main() -> None:
    """Measure an engine, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", default="slurm")
    parser.add_argument("--site", type=Path)
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="of the engine in all; an even number")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each of the equal jobs")
    asked = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    print(f"{provenance.hardware('cpu')}; {asked.engine}, {asked.cores} cores")
    empty = time_jobs(asked, 1, workers=1, seconds=0.0)
    eight_empty = time_jobs(asked, JOBS, workers=1, seconds=0.0)
    print(f"one empty job      {empty:7.1f} s from submission to the end")
    print(f"each further one   {(eight_empty - empty) / (JOBS - 1):7.1f} s on the same worker")
    one, two = (time_jobs(asked, JOBS, workers=workers, seconds=asked.seconds) for workers in (1, 2))
    print(f"{JOBS} jobs of {asked.seconds:g} s, one worker  {one:7.1f} s")
    print(f"{JOBS} jobs of {asked.seconds:g} s, two workers {two:7.1f} s")
    print(f"two workers beside half of one, start aside: {(two - empty) / ((one - empty) / 2):.3f}")


def time_jobs(asked: argparse.Namespace, count: int, *, workers: int, seconds: float) -> float:
    """Return the seconds that the engine takes for equal jobs, of which ``workers`` can be done at a time."""
    needs = Needs(cores=asked.cores // workers, memory_gib=0.5)
    jobs = [Job(f"job.{number}", f"job {number}", "sleep", needs) for number in range(count)]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        records = JobRecords(Path(folder) / "results" / "sleep" / ".jobs")
        work = Work(
            jobs=jobs,
            do=lambda job: time.sleep(seconds),
            command=lambda job: ["--do", str(records.folder), job.name, str(seconds)],
            records=records,
            site=read_site(asked.site),
            reporter=Silent(),
            module="benchmarks.executors",
        )
        begin = time.perf_counter()
        get_executor(asked.engine).execute(work, detach=False)
        taken = time.perf_counter() - begin
        states = [record.state if (record := records.read(job.name)) else "never begun" for job in jobs]
        if set(states) != {"done"}:
            log = records.log(jobs[0].name)
            sys.exit(f"not all jobs were done: {states}; {log.read_text() if log.exists() else 'no log'}")
    return taken


def do_job(folder: str, job: str, seconds: str) -> None:
    """Do one job, in the process that the engine started."""
    with JobRecords(Path(folder)).claim(job):
        time.sleep(float(seconds))


def run(arguments: Sequence[str]) -> None:
    """Measure, or do one of the jobs."""
    if arguments[:1] == ["--do"]:
        do_job(*arguments[1:])
    else:
        main()


if __name__ == "__main__":
    run(sys.argv[1:])
