"""Engines that do a suite's jobs, one per module: in this process, by Slurm, by Ray. None knows what a job does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loocbench.errors import unknown
from loocbench.lazy_table import LazyTable

if TYPE_CHECKING:  # a process of Ray that only starts jobs imports this package
    from loocbench.executors.work import Executor

# The only list of the executors. Looking at the names imports none of the libraries behind them.
EXECUTORS: LazyTable[Executor] = LazyTable(
    {
        "inline": "loocbench.executors.inline:INLINE",
        "slurm": "loocbench.executors.slurm:SLURM",
        "ray": "loocbench.executors.ray_tasks:RAY",
    }
)


def get_executor(name: str) -> Executor:
    """Return the executor called ``name``. Raises UserError with the names that exist."""
    if name not in EXECUTORS:
        raise unknown("executor", name, EXECUTORS)
    return EXECUTORS[name]
