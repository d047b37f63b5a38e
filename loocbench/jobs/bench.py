"""How fast this machine is at each stage between an image file and its stored features, and what limits it."""

from __future__ import annotations

import os
import secrets
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from loocbench.cache import feature_files, layout, locks
from loocbench.data import folders, preparing
from loocbench.data.prepared import PreparedImages
from loocbench.data.splits import select_rows
from loocbench.features import inference, transfers
from loocbench.features.encoder import Encoder
from loocbench.pretraining import recipes
from loocbench.pretraining.batches import Batches
from loocbench.pretraining.layout import Layout
from loocbench.pretraining.methods.method import ContrastiveMethod
from loocbench.progress import Reporter, Silent
from loocbench.types import Dataset, Recipe, Split

REPEATS = 3
MADE_SIZE = (500, 375)  # a photograph of CUB-200 or ImageNet, about
READ, DECODE, CROPS, VIEWS = "read", "decode", "crops", "views"
PLAIN, FAST, WRITE = "forward, plain", "forward, fast", "write"
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
    """What was measured.

    cold: images per second of a first extraction, its stages one after another (CPU) or overlapped (GPU). warm: the
    same where images are decoded already. limits: the slowest stage. remedy: what makes it faster. load: the machine's
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
    """Measure on the first ``count`` images of a split. ``cache`` is where features would be written."""
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


@contextmanager
def made_photographs(count: int) -> Iterator[Dataset]:
    """A data set of JPEG files of smooth noise, of a photograph's size, for as long as the block lasts."""
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="loocbench-bench-") as folder:
        for number in range(count):
            coarse = Image.fromarray(generator.integers(0, 256, (24, 32, 3), dtype=np.uint8))
            path = Path(folder) / f"class{number % 2}" / f"{number:05d}.jpg"
            path.parent.mkdir(exist_ok=True)
            coarse.resize(MADE_SIZE, Image.Resampling.BICUBIC).save(path, quality=92)
        items = tuple(folders.list_images(Path(folder)))
        yield folders.open_image_files("made photographs", Path(folder), {"test": Split("made", "test", items, {}, {})})


def _measure_stages(
    encoder: Encoder, dataset: Dataset, split: Split, scratch: Path, reporter: Reporter
) -> dict[str, float]:
    """Measures every stage. Returns images per second by stage."""
    size, count = encoder.preprocessing, len(split)
    stages: list[tuple[str, Callable[[], Any]]] = []
    if dataset.files is not None:
        paths = [dataset.files.folder / item for item in split.items]
        stages.append((READ, lambda: _run_in_parallel(Path.read_bytes, paths)))
    stages.append((DECODE, lambda: dataset.read(split.items, size.resize)))
    images = preparing.prepare(dataset, split, size.resize, cache=scratch, reporter=Silent())
    rows = [
        np.arange(b, min(b + inference.default_batch_size(encoder), count))
        for b in range(0, count, inference.default_batch_size(encoder))
    ]
    stages.append((CROPS, lambda: [images.center_crops(part, size.image_size) for part in rows]))
    stages.append((VIEWS, lambda: _make_views(encoder, images, rows)))
    crops = [images.center_crops(part, size.image_size) for part in rows]
    network = inference.InferenceNetwork(encoder, info=reporter.info)
    every = {name: values.cpu().numpy() for name, values in network(crops[0]).items()}
    stages.append((PLAIN, lambda: [_wait_for(encoder.all_spaces(part)) for part in crops]))
    stages.append((FAST, lambda: _run_forward(network, crops, encoder.device)))
    stages.append((WRITE, lambda: _write_features(scratch, every, rows)))
    rates = {}
    for number, (name, run_stage) in enumerate(stages):
        taken = []
        for _ in range(REPEATS + 1):
            begin = time.perf_counter()
            run_stage()
            taken.append(time.perf_counter() - begin)
        rates[name] = count / statistics.median(taken[1:])  # the first one warms up
        reporter.update("bench", number + 1, len(stages), name)
    return rates


def _make_views(encoder: Encoder, images: PreparedImages, rows: Sequence[np.ndarray]) -> None:
    """The views that pretraining makes of each image: the checkpoint's own recipe, else MoCo v2's."""
    batches = Batches(_recipe(encoder), images, None, encoder.device)
    for _ in batches.of_epoch(0, [part for part in rows if len(part) > 1], Layout()):
        pass


def _recipe(encoder: Encoder) -> Recipe:
    recipe = encoder.card.recipe
    contrastive = recipe is not None and isinstance(recipes.find_method(recipe.method), ContrastiveMethod)
    if recipe is not None and contrastive and recipe.texture != "stylised":
        return recipe
    return recipes.make(
        "moco",
        backbone="resnet8",
        image_size=encoder.preprocessing.image_size,
        epochs=1,
        batch_size=inference.default_batch_size(encoder),
        learning_rate=0.1,
    )


def _write_features(scratch: Path, every: dict[str, feature_files.Matrix], rows: Sequence[np.ndarray]) -> None:
    feature_files.create_file(scratch / "features")
    with feature_files.FeatureWriter(scratch / "features", sum(map(len, rows)), lambda dims: {}) as writer:
        for part in rows:
            writer.write(int(part[0]), {name: values[: len(part)] for name, values in every.items()})


def _wait_for(every: dict[str, torch.Tensor]) -> torch.Tensor:
    """One space's features on the CPU: a GPU has then done all its work."""
    return next(iter(every.values())).cpu()


def _run_forward(network: inference.InferenceNetwork, crops: Sequence[torch.Tensor], device: torch.device) -> None:
    """As extraction does it: batches and features are copied while the network computes."""
    on_device = transfers.to_device(enumerate(crops), device)
    for _ in transfers.to_cpu(((number, network(batch)) for number, batch in on_device), device):
        pass


def _run_in_parallel(work: Callable[[Path], Any], paths: Sequence[Path]) -> None:
    with ThreadPoolExecutor(folders.count_cores()) as pool:
        for _ in pool.map(work, paths):
            pass


def _combine_rates(encoder: Encoder, rates: dict[str, float], stages: Sequence[str]) -> float:
    """Images per second of several stages, one after another (CPU) or overlapped (GPU). Decoding includes reading."""
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
    if threads < folders.count_cores():
        return f"the network limits, and works on {threads} of {folders.count_cores()} cores: set OMP_NUM_THREADS."
    return "the network limits: a GPU, or more cores. Features are computed once, then read from the cache."
