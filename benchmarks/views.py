"""Views per second, and processor time per view, beside what a user would pick instead; batch 64.

Ours come from the prepared cache; torchvision v2's transforms and lightly's MoCoV2Transform are applied image by image
to the same decoded images, and to files, as they are used: per second in a DataLoader with two workers, in spells that
take turns; processor time in one thread without workers, which other work on the machine hardly changes.

Pictures: CUB-200 below $LOOCBENCH_DATA if it is there, else smooth noise of a photograph's size. On a GPU
(``--device cuda``) images lie on the device, and processor time is not measured.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets them, before torch is imported
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightly.transforms import MoCoV2Transform
from lightly_moco import loader
from PIL import Image
from pretraining import BATCH, SETTINGS, find_pictures, load, our_views, prepared, recipe_of
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import datasets
from torchvision.transforms import v2

from loocbench import provenance
from loocbench.data.prepared import PreparedImages
from loocbench.types import Preprocessing

MEAN, STD = Preprocessing(image_size=224, resize=256).mean, Preprocessing(image_size=224, resize=256).std


class Decoded(Dataset[Any]):
    """Decoded images, each given to ``make``."""

    def __init__(self, images: PreparedImages, make: Callable[[np.ndarray], Any]) -> None:
        self.images, self.make = images, make

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, row: int) -> Any:
        return self.make(np.array(self.images.image(row)))


def torchvision_views(size: int) -> Callable[[np.ndarray], Any]:
    """Two views of MoCo v2's recipe by torchvision's transforms on uint8 tensors."""
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.2, 1.0), antialias=True),
            v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
            v2.RandomGrayscale(0.2),
            v2.RandomApply([v2.GaussianBlur(max(3, size * 13 // 224 | 1), (0.1, 2.0))], p=0.5),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
        ]
    )

    def two(image: np.ndarray) -> tuple[Tensor, Tensor]:
        tensor = torch.from_numpy(image).permute(2, 0, 1)
        return transform(tensor), transform(tensor)

    return two


def lightly_views(size: int) -> Callable[[np.ndarray], Any]:
    """Two views of lightly's transform."""
    transform = MoCoV2Transform(input_size=size)
    return lambda image: transform(Image.fromarray(image))


def from_files(folder: Path, make: Callable[[np.ndarray], Any]) -> Iterator[Any]:
    """The same, decoding each image file anew, as a user's pipeline does."""
    for views, _ in loader(datasets.ImageFolder(str(folder), lambda image: make(np.array(image)))):
        yield views


def rate(batches: Iterator[Any], device: str, spell: float) -> float:
    """Views per second over a spell of ``spell`` seconds, once the workers are busy."""
    for _ in range(8):
        next(batches)
    if device == "cuda":
        torch.cuda.synchronize()
    begin, count = time.perf_counter(), 0
    while time.perf_counter() - begin < spell:
        next(batches)
        count += 2 * BATCH
    if device == "cuda":
        torch.cuda.synchronize()
    return count / (time.perf_counter() - begin)


def compare_processor_time(images: PreparedImages, backbone: str, size: int) -> None:
    """Milliseconds of one processor per view, in one thread without workers, in turns: other work hardly changes it."""
    torch.set_num_threads(1)
    ours = our_views(recipe_of("moco", backbone, size), images, "cpu")
    makers = {
        "loocbench": lambda rows: next(ours),
        "torchvision v2": lambda rows: [theirs(images.image(row).copy()) for row in rows],
        "lightly": lambda rows: [lightlys(images.image(row)) for row in rows],
    }
    theirs, lightlys = torchvision_views(size), lightly_views(size)
    taken = defaultdict(list)
    for turn in range(6):
        rows = range(turn * BATCH, (turn + 1) * BATCH)
        for name, make in makers.items():
            begin = time.process_time()
            make(rows)
            taken[name].append((time.process_time() - begin) / (2 * BATCH))
    own = taken["loocbench"][1:]  # the first compiles
    for name, values in taken.items():
        ratio = statistics.median(theirs / ours for theirs, ours in zip(values[1:], own, strict=True))
        median = statistics.median(values[1:])
        print(f"  {name:27} {median * 1000:7.3f} ms of a processor per view, {ratio:.1f} times ours", flush=True)
    torch.set_num_threads(os.cpu_count() or 1)


def compare_views(
    images: PreparedImages, folder: Path, backbone: str, size: int, device: str, spell: float, decoded_only: bool
) -> None:
    """Three spells each, in turns; the median."""
    held = images.on_device(torch.device("cuda")) if device == "cuda" else images
    ours = recipe_of("moco", backbone, size)
    makers: dict[str, Callable[[], Iterator[Any]]] = {
        "loocbench": lambda: our_views(ours, held, device),
        "torchvision v2": lambda: loader(Decoded(images, torchvision_views(size))),
        "lightly": lambda: loader(Decoded(images, lightly_views(size))),
        "torchvision v2, from files": lambda: from_files(folder, torchvision_views(size)),
        "lightly, from files": lambda: from_files(folder, lightly_views(size)),
    }
    if decoded_only:
        makers = {name: make for name, make in makers.items() if "files" not in name}
    rates = defaultdict(list)
    for _ in range(3):
        for name, make in makers.items():
            rates[name].append(rate(make(), device, spell))
    median = {name: statistics.median(values) for name, values in rates.items()}
    for name, value in median.items():
        ratio = "" if name == "loocbench" else f"; loocbench {median['loocbench'] / value:.2f} times as many"
        print(f"  {name:27} {value:6.0f} views/s{ratio}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--setting", choices=SETTINGS, action="append")
    parser.add_argument("--spell", type=float, default=8.0, help="seconds measured at a time")
    parser.add_argument("--processor-time-only", action="store_true", help="leave out views per second")
    parser.add_argument("--decoded-only", action="store_true", help="leave out views that are made from files")
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = find_pictures(Path(scratch))
        hardware = provenance.hardware(options.device)
        print(f"{hardware}, torch {torch.__version__}; {folder.parent.name}, batch {BATCH}; {load()}")
        for name in options.setting or SETTINGS:
            backbone, size, _ = SETTINGS[name]
            print(name, flush=True)
            images = prepared(folder, Path(scratch) / "cache", size)
            if options.device == "cpu":
                compare_processor_time(images, backbone, size)
            if options.processor_time_only:
                continue
            compare_views(images, folder, backbone, size, options.device, options.spell, options.decoded_only)


if __name__ == "__main__":
    main()
