"""A job for tests of Ray, a process of its own: it counts as training steps do, and goes on where it was stopped.

``python -m tests.executors.counting_job FOLDER JOB STEPS [fails | dies | dies-once | dies-early]``: each step is a line
of ``FOLDER/JOB/steps``, with the job's threads and GPUs; ``FOLDER/results`` has a line for each job that was finished.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from loocbench.errors import StoppedError, UserError
from loocbench.executors.records import BusyError, Failure, JobFailedError, JobRecords

STEP = 0.1  # seconds


def main(folder: Path, job: str, steps: int, how: str = "") -> int:
    """Do the job. Returns the exit code that loocbench has."""

    def stop(number, frame):
        raise StoppedError("stopped by SIGTERM")

    signal.signal(signal.SIGTERM, stop)
    if how == "dies-early" and not (folder / "died").exists():
        (folder / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        with JobRecords(folder).claim(job) as attempt:
            print(f"{job}, attempt {attempt}", flush=True)
            if how == "fails":
                raise JobFailedError(Failure("", "no luck"))
            counted = folder / job / "steps"
            surroundings = f"{os.environ['OMP_NUM_THREADS']} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}"
            for step in range(len(counted.read_text().splitlines()) if counted.exists() else 0, steps):
                time.sleep(STEP)
                with counted.open("a") as file:
                    file.write(f"{step} {surroundings}\n")
                if how == "dies" or (how == "dies-once" and attempt == 1):
                    os.kill(os.getpid(), signal.SIGKILL)
            with (folder / "results").open("a") as file:
                file.write(f"{job}\n")
    except BusyError:
        print("busy", flush=True)
    except UserError:
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
