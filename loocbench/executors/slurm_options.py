"""What ``sbatch`` is asked for: a job's needs and the site's wishes as submitit's parameters."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loocbench.executors.job import Needs
from loocbench.executors.site import SlurmSite


def limit_minutes(needs: Needs, site: SlurmSite, default: float) -> int:
    """Return a job's time limit: what it needs, but no more than the site allows.

    default: where nobody says; 0 for no limit.
    """
    stated = [minutes for minutes in (needs.minutes, site.minutes) if minutes]
    return math.ceil(min(stated, default=default))


def make_parameters(needs: Needs, site: SlurmSite, minutes: int, *, name: str, dependency: str) -> dict[str, Any]:
    """Return submitit's parameters of jobs that need this. minutes: of :func:`limit_minutes`."""
    gpus = math.ceil(needs.gpus / needs.nodes)  # a share of a GPU asks for a whole one: Slurm knows no shares by itself
    cores = math.ceil(needs.cores / needs.nodes)
    parameters: dict[str, Any] = {
        "job_name": name,
        "wckey": None,  # submitit's own would be refused where keys are tracked
        "time": minutes,
        "nodes": needs.nodes,
        "ntasks_per_node": 1,  # torchrun starts the others
        "cpus_per_task": cores,
        "mem": f"{math.ceil(1024 * needs.memory_gib / needs.nodes)}M",
        "signal_delay_s": min(site.signal_seconds, 30 * minutes) if minutes else site.signal_seconds,
        "partition": site.partition,
        "account": site.account,
        "qos": site.qos,
        # What is printed goes to the jobs' own logs (see make_setup); since Slurm 22.05 srun asks for its cores itself.
        "srun_args": ["--output=/dev/null", "--error=/dev/null", f"--cpus-per-task={cores}"],
        "additional_parameters": {"output": "/dev/null", "error": "/dev/null", "requeue": True},
    }
    if gpus:
        parameters |= {"gres": f"{site.gres}:{gpus}"} if site.gres else {"gpus_per_node": gpus}
    if dependency:
        parameters["dependency"] = dependency
        parameters["additional_parameters"]["kill-on-invalid-dep"] = "yes"
    if site.container:
        parameters["srun_args"].append(f"--container-image={site.container}")
    parameters["srun_args"] += site.srun
    for option in site.sbatch:
        key, stated, value = option.removeprefix("--").partition("=")
        parameters["additional_parameters"][key] = value if stated else True
    return {key: value for key, value in parameters.items() if value is not None or key == "wckey"}


def make_setup(site: SlurmSite, logs: Sequence[Path]) -> list[str]:
    """Return the shell lines before the jobs of an array, whose messages go to ``logs``, one for each."""
    return [
        f"logs=({' '.join(shlex.quote(str(log)) for log in logs)})",
        'export LOOCBENCH_LOG="${logs[${SLURM_ARRAY_TASK_ID:-0}]}"',
        'exec >>"$LOOCBENCH_LOG" 2>&1',
        *(f"module load {shlex.quote(module)}" for module in site.modules),
        *site.setup,
    ]


def make_python(site: SlurmSite) -> str:
    """Return the shell command that starts the nodes' interpreter, whose messages go to the job's log.

    SIGUSR2, Slurm's warning, is ignored until the interpreter waits for it: it would end it.
    """
    return (
        f"""sh -c 'trap "" USR2; exec "$0" "$@" >>"$LOOCBENCH_LOG" 2>&1' {shlex.quote(site.python or sys.executable)}"""
    )
