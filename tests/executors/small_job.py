"""A job that takes steps and remembers them, as a run does: ``python -m tests.executors.small_job RECORDS JOB STEPS``.

Each step is a long line of ``RECORDS/JOB/steps``; SIGTERM stops it between two, and it goes on where it stopped.
Further arguments: ``--fail`` at the end, ``--seconds`` per step, ``--needs`` a job whose steps must all be there.
"""

import argparse
import os
import signal
import time
from pathlib import Path

from loocbench.errors import StoppedError, UserError
from loocbench.executors.records import BusyError, JobRecords

DONE = "end"


def read_steps(records: JobRecords, job: str) -> list[str]:
    """The steps that a job has taken so far."""
    path = records.folder / job / "steps"
    return path.read_text().split() if path.exists() else []  # a line may end early where a disk was full


def main() -> None:
    """Do the job."""
    parser = argparse.ArgumentParser()
    parser.add_argument("records", type=Path)
    parser.add_argument("job")
    parser.add_argument("steps", type=int)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--needs", default="")
    parser.add_argument("--fail", action="store_true")
    asked = parser.parse_args()
    records = JobRecords(asked.records)
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    if int(os.environ.get("RANK", "0")):  # of a job of several processes the first writes
        return
    try:
        with records.claim(asked.job) as attempt:
            print(f"attempt {attempt}", flush=True)
            if asked.needs and DONE not in read_steps(records, asked.needs):
                raise UserError(f"{asked.needs} is not done")
            take_steps(records, asked, stopped)
    except BusyError:
        print("another process does it", flush=True)
    except UserError as error:
        raise SystemExit(2) from error


def take_steps(records: JobRecords, asked: argparse.Namespace, stopped: list[bool]) -> None:
    """Take the steps that are left."""
    for step in range(len(read_steps(records, asked.job)), asked.steps):
        time.sleep(asked.seconds)
        with (records.folder / asked.job / "steps").open("a") as file:
            file.write(f"{step:<4000}\n")
        if stopped:
            raise StoppedError("stopped")
    if asked.fail:
        raise UserError("it was to fail")
    with (records.folder / asked.job / "steps").open("a") as file:
        file.write(f"{DONE}\n")


if __name__ == "__main__":
    main()
