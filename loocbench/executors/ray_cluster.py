"""The Ray that is used: connecting to it, and what its nodes can give a job."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from loocbench.errors import UserError
from loocbench.executors.dispatch import Amounts
from loocbench.executors.job import Job, Needs

_STORE = 80 * 2**20  # bytes of Ray's object store, close to the least that it takes: nothing is passed through it
_ANSWER = 10.0  # seconds within which an address must answer
_GIB = 2**30


@contextmanager
def connected(ray: Any, address: str | None) -> Iterator[None]:
    """Context with a connection to Ray at ``address``, or to a Ray of its own on this machine. Raises UserError."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or Ray warns that it will become the default
    own = {"include_dashboard": False, "object_store_memory": _STORE, "num_cpus": _count_cores()}
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    before = signal.getsignal(signal.SIGTERM)
    if address:
        _require_answer(address)
    try:
        ray.init(address or "local", **quiet, **({} if address else own))
    except Exception as error:  # Ray has no class of its own for this
        ray.shutdown()
        where = f"at {address}" if address else "on this machine"
        first = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise UserError(f"Ray {where} cannot be used: {first}") from error
    try:
        # On standard output, which is for results, Ray would print the last lines of a lost node's log.
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        ray.shutdown()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before or signal.SIG_DFL)  # which Ray has changed


def _require_answer(address: str) -> None:
    """Raise UserError if nothing answers at ``HOST:PORT``: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if "/" in address or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray answers at {address} ({error}); start one there with: ray start --head") from error


def fit_all(jobs: Sequence[Job], nodes: Sequence[Amounts]) -> dict[str, Amounts]:
    """Return what Ray is asked for each job. Raises UserError for a job that no node can do, naming the largest."""
    fitted: dict[tuple[Needs, frozenset[str]], Amounts] = {}  # by needs, and which of them are stated
    asked = {}
    for job in jobs:
        key = job.needs, frozenset(job.needs.model_fields_set)
        if key not in fitted:
            fitted[key] = _fit(job, nodes)
        asked[job.name] = fitted[key]
    return asked


def _fit(job: Job, nodes: Sequence[Amounts]) -> Amounts:
    """Return what Ray is asked for a job. Defaults of its needs are guesses, lowered to what the largest node has."""
    needs = job.needs
    if needs.gpus > 1 and needs.gpus % 1:
        raise UserError(f"{job.title} needs {needs.gpus:g} GPUs; Ray gives shares of one GPU, or whole ones.")
    if needs.nodes > 1:
        raise UserError(f"{job.title} needs {needs.nodes} nodes; with --executor ray a job is on one.")
    largest = max(nodes, key=lambda node: [node.get(kind, 0) for kind in ("GPU", "CPU", "memory")], default={})
    wanted = {"GPU": needs.gpus, "CPU": float(needs.cores), "memory": needs.memory_gib * _GIB}
    for kind, name in (("CPU", "cores"), ("memory", "memory_gib")):
        if name not in needs.model_fields_set:
            wanted[kind] = min(wanted[kind], max(largest.get(kind, 0), needs.processes if kind == "CPU" else 0))
    if any(all(node.get(kind, 0) >= amount for kind, amount in wanted.items()) for node in nodes):
        return wanted
    raise UserError(
        f"{job.title} needs {describe(wanted)}, and the largest of {len(nodes)} nodes has {describe(largest)}: "
        "start Ray with larger nodes, or state smaller needs in the file of --site."
    )


def describe(amounts: Amounts) -> str:
    """Return amounts of Ray's resources as a user would state them."""
    gpus, cores, memory = (amounts.get(kind, 0) for kind in ("GPU", "CPU", "memory"))
    return f"{gpus:g} GPUs, {cores:g} cores and {memory / _GIB:.1f} GiB"


def list_variables(needs: Needs, cores: int) -> dict[str, str]:
    """Return the environment variables that keep a job to its cores, and one without a GPU from taking one."""
    threads = str(max(1, cores // needs.processes))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return dict.fromkeys(names, threads) | ({} if needs.gpus else {"CUDA_VISIBLE_DEVICES": ""})


def _count_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
