"""Jobs one after another in this process. Several such processes share a suite: each takes what no other does."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from loocbench.errors import StoppedError, UserError
from loocbench.executors.records import BusyError
from loocbench.executors.work import Work

_WAIT = 2.0  # seconds until it is tried again to take a job that another process does


class Inline:
    """This process."""

    detaches = False

    def execute(self, work: Work, *, detach: bool) -> None:
        """As :meth:`loocbench.executors.work.Executor.execute`; where only jobs are left that other processes do, or
        that need those, it waits for them."""
        if detach:
            raise UserError("--detach needs an engine that goes on without this process: --executor slurm.")
        waiting = list(work.jobs)
        before = {job.name: work.records.read(job.name) for job in waiting}
        failed: set[str] = set()
        told = False
        while waiting:
            undone = {job.name for job in waiting}
            busy = []
            for job in waiting:
                if not failed.isdisjoint(job.after):
                    failed.add(job.name)
                elif not undone.isdisjoint(job.after):
                    busy.append(job)
                    continue
                elif (record := work.records.read(job.name)) and record.state == "done" and record != before[job.name]:
                    pass  # by another process, since this one began
                else:
                    try:
                        with work.records.claim(job.name):
                            work.do(job)
                    except BusyError:
                        busy.append(job)
                        continue
                    except StoppedError:
                        raise
                    except Exception:  # its record and its messages say why; it must not cost the other jobs
                        failed.add(job.name)
                undone.discard(job.name)
            if len(busy) == len(waiting) and busy:
                if not told:
                    work.reporter.info(f"waiting for another process, which does {busy[0].title}")
                    told = True
                time.sleep(_WAIT)
            waiting = busy

    def list_queued(self, numbers: Sequence[str]) -> Mapping[str, str]:
        """Nothing is ever queued."""
        return {}


INLINE = Inline()
