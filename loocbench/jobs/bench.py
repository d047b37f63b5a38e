"""Throughput of the stages between an image file and its stored features, and the bottleneck."""

from __future__ import annotations

import os
import secrets
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from loocbench.cache import layout, locks
from loocbench.data import parallel
from loocbench.data.splits import select_rows
from loocbench.features import inference
from loocbench.features.encoder import Encoder
from loocbench.jobs import bench_stages
from loocbench.jobs.bench_stages import CROPS, DECODE, FAST, READ, WRITE
from loocbench.progress import Reporter
from loocbench.types import Dataset, Split

REPEATS = 3
_COLD = (READ, DECODE, CROPS, FAST, WRITE)  # the stages of a first extraction
_REMEDIES = {
    READ: "reading files limits: copy the data set to a disk of this machine.",
    DECODE: "decoding limits, which is done once per data set and resolution: later commands read the cache. "
    "More processor cores decode faster.",
    CROPS: "cutting crops out of the cache limits: put --cache on a faster disk, or give it more free memory.",
    WRITE: "writing features limits: put --cache on a faster disk.",
}


@dataclass(frozen=True)
class Stage:
    """images_per_second: the median of REPEATS. share: of a first extraction's time, 0 if it is not part of it."""

    name: str
    images_per_second: float
    share: float = 0.0


@dataclass(frozen=True)
class BenchResult:
    """The measured rates.

    cold: images per second of a first extraction, its stages one after another (CPU) or overlapped (GPU). warm: the
    same if images are already decoded. limits: the slowest stage. remedy: advice for the user. load: the machine's
    average load before the measurement.
    """

    stages: tuple[Stage, ...]
    images: int
    batch_size: int
    numerics: str
    cold: float
    warm: float
    limits: str
    remedy: str
    load: float


def measure_speed(
    encoder: Encoder, dataset: Dataset, split: str, count: int, *, cache: Path, reporter: Reporter
) -> BenchResult:
    """Measure on the first ``count`` images of a split. cache: the folder that features would be written to."""
    whole = dataset.splits[split]
    part = select_rows(whole, np.arange(min(count, len(whole))), split)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    with _scratch_folder(cache, reporter) as scratch:
        rates = _measure_stages(encoder, dataset, part, scratch, reporter)
    cold, warm = (_combine_rates(encoder, rates, stages) for stages in (_COLD, _COLD[2:]))
    seconds = {name: 1 / rates[name] for name in _COLD if name in rates}
    total = sum(seconds.values())
    limits = max(seconds, key=lambda name: seconds[name])
    return BenchResult(
        stages=tuple(Stage(name, rate, seconds.get(name, 0.0) / total) for name, rate in rates.items()),
        images=len(part),
        batch_size=inference.default_batch_size(encoder),
        numerics=encoder.inference.numerics,
        cold=cold,
        warm=warm,
        limits=limits,
        remedy=_REMEDIES.get(limits) or _forward_remedy(encoder),
        load=load,
    )


@contextmanager
def _scratch_folder(cache: Path, reporter: Reporter) -> Iterator[Path]:
    """A temporary folder on the cache's disk, which pruning knows to be in use."""
    folder = cache / f"{layout.SCRATCH_PREFIX}{secrets.token_hex(8)}"
    with locks.locked(layout.scratch_lock_path(folder), "measures", reporter):
        try:
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _measure_stages(
    encoder: Encoder, dataset: Dataset, split: Split, scratch: Path, reporter: Reporter
) -> dict[str, float]:
    """Measure every stage; returns images per second by stage."""
    stages = bench_stages.prepare_stages(encoder, dataset, split, scratch, reporter)
    rates = {}
    for number, (name, run_stage) in enumerate(stages.items()):
        taken = []
        for _ in range(REPEATS + 1):
            begin = time.perf_counter()
            run_stage()
            taken.append(time.perf_counter() - begin)
        rates[name] = len(split) / statistics.median(taken[1:])  # the first one warms up
        reporter.update("bench", number + 1, len(stages), name)
    return rates


def _combine_rates(encoder: Encoder, rates: dict[str, float], stages: Sequence[str]) -> float:
    """Return images per second of several stages, sequential (CPU) or overlapped (GPU). Decoding includes reading."""
    rated = {name: rates[name] for name in stages if name in rates and not (name == READ and DECODE in stages)}
    if encoder.device.type == "cpu":
        return 1 / sum(1 / rate for rate in rated.values())
    return min(rated.values())


def _forward_remedy(encoder: Encoder) -> str:
    if encoder.device.type == "cuda":
        if encoder.inference.precision == "float32":
            return "the network limits: --precision bfloat16 is faster and changes features a little."
        return "the network limits: share images between GPUs with torchrun -m loocbench extract."
    if torch.cuda.is_available():
        return "the network limits: use the GPU, --device cuda."
    threads = torch.get_num_threads()
    if threads < parallel.count_cores():
        return f"the network limits, and works on {threads} of {parallel.count_cores()} cores: set OMP_NUM_THREADS."
    return "the network limits: a GPU, or more cores. Features are computed once, then read from the cache."
