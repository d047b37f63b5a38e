"""Images per second: Pillow in a torch DataLoader with two workers against the prepared cache, 224 px, batch 128.

Both give the same batches, short side 256 and centre crop 224, in two forms: uint8, as training and extraction take
them to the device (PILToTensor in torchvision), and float32, normalised on the CPU (ToTensor, Normalize), where writing
the floats is most of the cache's work. The cache is made once; its time is printed beside one epoch of decoding.
Pictures: CUB-200 below $LOOCBENCH_DATA if it is there, else smooth noise of a photograph's size.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from loocbench import provenance
from loocbench.data import catalog, preparing
from loocbench.data.prepared import PreparedImages
from loocbench.progress import Silent
from loocbench.types import Dataset, Preprocessing

SIZE = Preprocessing(image_size=224, resize=256)
BATCH, WORKERS, REPEATS = 128, 2, 5
FORMS = ("uint8", "float32")
MADE_IMAGES, MADE_SIZE = 1_500, (500, 375)


def make_folder(root: Path, count: int = MADE_IMAGES) -> None:
    """An image folder of JPEGs of smooth noise in two classes."""
    generator = np.random.default_rng(0)
    for number in range(count):
        folder = root / f"class{number % 2}"
        folder.mkdir(exist_ok=True)
        coarse = Image.fromarray(generator.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        coarse.resize(MADE_SIZE, Image.Resampling.BICUBIC).save(folder / f"{number}.jpg", quality=92)


def torch_epoch(folder: Path, form: str) -> int:
    """One epoch as a user would write it with torchvision."""
    shared = [transforms.Resize(SIZE.resize), transforms.CenterCrop(SIZE.image_size)]
    floats = [transforms.ToTensor(), transforms.Normalize(SIZE.mean, SIZE.std)]
    steps = transforms.Compose([*shared, *(floats if form == "float32" else [transforms.PILToTensor()])])
    loader = DataLoader(datasets.ImageFolder(folder, steps), BATCH, num_workers=WORKERS)
    return sum(len(images) for images, _ in loader)


def cache_epoch(every: list[PreparedImages], form: str) -> int:
    """One epoch from the cache, normalised as the encoder does it."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (SIZE.mean, SIZE.std))
    count = 0
    for images in every:
        for begin in range(0, len(images), BATCH):
            batch = images.center_crops(np.arange(begin, min(begin + BATCH, len(images))), SIZE.image_size)
            if form == "float32":
                batch = batch.float().div_(255).sub_(mean).div_(std)
            count += len(batch)
    return count


def build(dataset: Dataset, cache: Path) -> list[PreparedImages]:
    """The cache of every split, made anew."""
    return [
        preparing.prepare(dataset, split, SIZE.resize, cache=cache, reporter=Silent())
        for split in dataset.splits.values()
    ]


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(2)
    data = Path(os.environ.get("LOOCBENCH_DATA", "")) / "CUB_200_2011" / "images"
    with tempfile.TemporaryDirectory() as scratch:
        if data.is_dir():
            folder, dataset = data, catalog.open_dataset("cub200")
        else:
            folder = Path(scratch) / "made"
            folder.mkdir()
            make_folder(folder)
            dataset = catalog.open_dataset(f"folder:{folder}")
        count = torch_epoch(folder, "uint8")  # warms the file cache and the workers' imports
        every = build(dataset, Path(scratch) / "warm")
        if cache_epoch(every, "uint8") != count:
            raise RuntimeError("the two ways see different images")
        times = defaultdict(list)
        for _ in range(REPEATS):  # in turns, so that a busy moment hits all
            for form in FORMS:
                times["loader", form].append(timed(lambda form=form: torch_epoch(folder, form)))
                times["cache", form].append(timed(lambda form=form: cache_epoch(every, form)))
            place = Path(scratch) / "cold"
            times["making", ""].append(timed(lambda place=place: build(dataset, place)))
            shutil.rmtree(place)
    taken = {key: statistics.median(values) for key, values in times.items()}
    print(f"{provenance.hardware('cpu')}, torch {torch.__version__}; {count} images of {dataset.name}")
    for form in FORMS:
        loader, cache = taken["loader", form], taken["cache", form]
        print(
            f"{form:8} DataLoader {count / loader:6.0f} images/s, prepared cache {count / cache:6.0f} images/s: "
            f"{loader / cache:.1f} times as many"
        )
    making, epoch = taken["making", ""], taken["loader", "uint8"]
    print(f"making the cache {making:.2f} s, {making / epoch:.2f} of one epoch of decoding ({epoch:.2f} s)")


if __name__ == "__main__":
    main()
