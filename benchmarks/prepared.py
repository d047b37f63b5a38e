"""Features from the prepared cache, beside the bare forward pass on batches that lie in the device's memory.

    (a) eager      torchvision's network, channels-last, under autocast, on normalised batches in the device's memory
    (b) compiled   the same by torch.compile: nothing read, sent, normalised, fetched or written
    loocbench      loocbench.features.extraction from decoded images on the disk to a file of features

Meant for a GPU: is it kept busy? On a CPU (``--device cpu``) it shows what all but the network costs there. The ways
take turns; the first turn, which compiles, is not counted. Ratios are medians of ratios within a turn.

``make`` and ``feed`` are what the host can do by itself: crops cut from the decoded images by one thread, and crops
that are copied once more, as to pinned memory. Where ``feed`` is below ``(b)``, the host limits.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from networks import SIZE, build_networks
from torch import Tensor

from loocbench import provenance
from loocbench.cache import layout
from loocbench.data import preparing
from loocbench.features import extraction, inference
from loocbench.features.encoder import Encoder
from loocbench.features.inference_config import from_options
from loocbench.progress import Silent
from loocbench.types import Dataset, Pixels, Split

HEIGHT, WIDTH = 256, 341  # of a photograph whose short side is 256


def make_noise(count: int) -> Dataset:
    """A data set of noise, generated when it is read: decoding is not measured here."""

    def read(items: Sequence[str], short_side: int) -> list[Pixels]:
        return [np.random.default_rng(int(item)).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for item in items]

    split = Split("noise", "test", tuple(str(number) for number in range(count)), {}, {})
    return Dataset(
        "noise",
        {"test": split},
        read,
        lambda items, short_side: np.array([(HEIGHT, WIDTH)] * len(items), dtype=np.int64),
        lambda items: ["" for _ in items],
        lambda items: "noise 1",
        lambda: "noise 1",
    )


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def run_bare(network: Any, batches: list[Tensor], count: int, precision: str) -> None:
    """Features of ``count`` images by the network alone; they stay on the device."""
    device = batches[0].device
    cast: Any = nullcontext()
    if precision != "float32":
        cast = torch.autocast(device.type, dtype=getattr(torch, precision))
    with torch.inference_mode(), cast:
        for number in range(-(-count // len(batches[0]))):
            network(batches[number % len(batches)])
    synchronise(device)


def list_ways(
    encoder: Encoder, network: Any, dataset: Dataset, cache: Path, precision: str
) -> dict[str, Callable[[], None]]:
    """What is timed."""
    device, size, split = encoder.device, inference.default_batch_size(encoder), dataset.splits["test"]
    images = preparing.prepare(dataset, split, SIZE.resize, cache=cache, reporter=Silent())
    rows = np.arange(len(split))
    parts = [rows[begin : begin + size] for begin in range(0, len(split), size)]
    network = network.to(device).to(memory_format=torch.channels_last)
    compiled = torch.compile(network, dynamic=False)
    held = [encoder.normalise(images.center_crops(part, SIZE.image_size)) for part in parts[:4] if len(part) == size]

    def extract() -> None:
        shutil.rmtree(layout.folder_path(cache, "features"), ignore_errors=True)
        extraction.extract(encoder, dataset, split, cache=cache, reporter=Silent())

    def make() -> None:
        for part in parts:
            images.center_crops(part, SIZE.image_size)

    def feed() -> None:
        for part in parts:
            images.center_crops(part, SIZE.image_size).clone()

    return {
        "(a) eager": lambda: run_bare(network, held, len(split), precision),
        "(b) compiled": lambda: run_bare(compiled, held, len(split), precision),
        "loocbench": extract,
        "make": make,
        "feed": feed,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--eager", action="store_true", help="loocbench without --compile")
    parser.add_argument("--images-count", type=int, default=20_480)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    network, encoder = build_networks(options.backbone)
    how = from_options(options.precision, not options.eager, options.device)
    encoder = Encoder(encoder.card, encoder.network, options.device, how)
    rates: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as scratch:
        every = list_ways(encoder, network, make_noise(options.images_count), Path(scratch), options.precision)
        for turn in range(options.turns + 1):
            for name, work in every.items():
                begin = time.perf_counter()
                work()
                if turn:  # the first one compiles and warms up
                    rates[name].append(options.images_count / (time.perf_counter() - begin))
    found = {name: statistics.median(taken) for name, taken in rates.items()}
    ratios = {
        f"loocbench, times {name}": statistics.median(
            a / b for a, b in zip(rates["loocbench"], rates[name], strict=True)
        )
        for name in ("(a) eager", "(b) compiled")
    }
    head = {
        "hardware": provenance.hardware(options.device),
        "torch": torch.__version__,
        **{name: getattr(options, name) for name in ("backbone", "precision", "eager", "turns")},
        "images": options.images_count,
    }
    if options.json:
        print(json.dumps({**head, "images/s": found, **ratios}))
        return
    print(head)
    for name, rate in found.items():
        print(f"  {name:13} {rate:10,.1f} images/s")
    for name, ratio in ratios.items():
        print(f"  {name}: {ratio:.2f}")


if __name__ == "__main__":
    main()
