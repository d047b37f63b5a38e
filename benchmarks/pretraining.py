"""Steps and memory of pretraining beside what a user would pick instead, batch 64.

    step      MoCo, loading included: ours in float32 and bfloat16; lightly's MoCo as its example has it, which decodes
              files in two workers. LooC (n = 2: color, rotation) beside MoCo: the floor by passes is 1.5.
    memory    the peak of LooC beside that of MoCo, each in a process of its own.

Pictures: CUB-200 below $LOOCBENCH_DATA if it is there, else smooth noise of a photograph's size. On a GPU
(``--device cuda``) the networks compute in bfloat16, images lie on the device, and the views' share of a step is shown.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from images import make_folder
from lightly.loss import NTXentLoss
from lightly.models.modules import MoCoProjectionHead
from lightly.models.utils import deactivate_requires_grad, update_momentum
from lightly.transforms import MoCoV2Transform
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets, models

from loocbench import provenance
from loocbench.data import catalog, preparing
from loocbench.data.prepared import PreparedImages
from loocbench.models.preprocessing import default_preprocessing
from loocbench.pretraining import recipes
from loocbench.pretraining.batches import Batches, Images
from loocbench.pretraining.layout import Layout
from loocbench.pretraining.loop import Run
from loocbench.progress import Silent
from loocbench.types import Preprocessing, Recipe

BATCH, WORKERS = 64, 2
MEAN, STD = Preprocessing(image_size=224, resize=256).mean, Preprocessing(image_size=224, resize=256).std
SETTINGS = {"resnet18 at 64 px": ("resnet18", 64, 12), "resnet50 at 224 px": ("resnet50", 224, 3)}  # and steps timed


def recipe_of(method: str, backbone: str, size: int, precision: str = "float32") -> Recipe:
    """MoCo v2's setting; LooC's with color and rotation."""
    return recipes.make(
        method,
        backbone=backbone,
        image_size=size,
        epochs=1_000_000,
        batch_size=BATCH,
        learning_rate=0.01,
        queue_size=4096,
        precision=precision,
    )


def loader(dataset: Dataset[Any]) -> Iterator[Any]:
    """Batches without end; the workers stay."""
    batches = DataLoader(
        dataset, BATCH, shuffle=True, drop_last=True, num_workers=WORKERS, persistent_workers=True, prefetch_factor=2
    )
    while True:
        yield from batches


def our_views(recipe: Recipe, images: Images, device: str) -> Iterator[Tensor]:
    """Queries and keys of batches without end, made as in training."""
    batches = Batches(recipe, images, None, torch.device(device))
    generator = np.random.default_rng(0)
    while True:
        order = generator.permutation(len(images))
        parts = [order[begin : begin + BATCH] for begin in range(0, len(images) - BATCH + 1, BATCH)]
        for batch in batches.iterate_epoch(0, parts, Layout()):
            yield batch.keys


def lightly_moco(folder: Path, backbone: str, size: int) -> Iterator[None]:
    """Steps of lightly's MoCo example (examples/pytorch/moco.py) with the same backbone, queue and optimiser."""
    network = getattr(models, backbone)()
    dim = network.fc.in_features
    body, head = nn.Sequential(*list(network.children())[:-1]), MoCoProjectionHead(dim, dim, 128)
    key_body, key_head = copy.deepcopy(body), copy.deepcopy(head)
    deactivate_requires_grad(key_body)
    deactivate_requires_grad(key_head)
    criterion = NTXentLoss(memory_bank_size=(4096, 128))
    optimizer = torch.optim.SGD([*body.parameters(), *head.parameters()], lr=0.01, momentum=0.9, weight_decay=1e-4)
    for views, _ in loader(datasets.ImageFolder(str(folder), MoCoV2Transform(input_size=size))):
        update_momentum(body, key_body, m=0.999)
        update_momentum(head, key_head, m=0.999)
        query = head(body(views[0]).flatten(start_dim=1))
        with torch.no_grad():
            key = key_head(key_body(views[1]).flatten(start_dim=1))
        loss = criterion(query, key)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        yield


def seconds(steps: Iterator[Any], warm_up: int, repeats: int, device: str) -> float:
    """Median seconds of one ``next``."""
    taken = []
    for number in range(warm_up + repeats):
        if device == "cuda":
            torch.cuda.synchronize()
        begin = time.perf_counter()
        next(steps)
        if device == "cuda":
            torch.cuda.synchronize()
        if number >= warm_up:
            taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def compare_steps(images: PreparedImages, folder: Path, backbone: str, size: int, repeats: int, device: str) -> None:
    """MoCo beside lightly's, LooC beside MoCo."""
    on = torch.device(device)
    held = images.on_device(on) if device == "cuda" else images

    def run(method: str, precision: str) -> Iterator[Any]:
        return Run(recipe_of(method, backbone, size, precision), held, on).steps()

    precisions = ("bfloat16",) if device == "cuda" else ("float32", "bfloat16")
    runs: dict[str, Callable[[], Iterator[Any]]] = {
        f"{method}, {precision}": lambda method=method, precision=precision: run(method, precision)
        for precision in precisions
        for method in ("moco", "looc")
    }
    if device == "cpu":
        runs["lightly"] = lambda: lightly_moco(folder, backbone, size)
    else:
        runs["views"] = lambda: our_views(recipe_of("moco", backbone, size), held, device)
    median = {name: seconds(make(), 2, repeats, device) for name, make in runs.items()}
    for precision in precisions:
        moco, looc = median[f"moco, {precision}"], median[f"looc, {precision}"]
        print(f"  MoCo step       {moco:8.3f} s in {precision}, {BATCH / moco:.0f} images/s")
        print(f"  LooC step       {looc:8.3f} s in {precision}, {looc / moco:.2f} of MoCo's")
        if "lightly" in median:
            print(
                f"  lightly's MoCo  {median['lightly']:8.3f} s; loocbench {median['lightly'] / moco:.2f} times as fast"
            )
        else:
            print(f"  views           {median['views']:8.4f} s, {median['views'] / moco:.1%} of a MoCo step")
    sys.stdout.flush()


def peak(method: str, backbone: str, size: int, device: str, images: PreparedImages) -> float:
    """MB at the highest over three steps, beyond what the process had before."""
    before = _highest()
    steps = Run(recipe_of(method, backbone, size), images, torch.device(device)).steps()
    for _ in range(3):
        next(steps)
    return torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else _highest() - before


def _highest() -> float:
    """This process's highest resident memory so far, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def prepared(folder: Path, cache: Path, size: int) -> PreparedImages:
    """The training images at ``size``."""
    dataset = catalog.open_dataset(f"folder:{folder}")
    resize = default_preprocessing(size).resize
    return preparing.prepare(dataset, dataset.splits["train"], resize, cache=cache, reporter=Silent())


def find_pictures(scratch: Path) -> Path:
    """The folder of CUB-200's images, or one of smooth noise below ``scratch``."""
    folder = Path(os.environ.get("LOOCBENCH_DATA", "")) / "CUB_200_2011" / "images"
    if not folder.is_dir():
        folder = scratch / "made"
        folder.mkdir()
        make_folder(folder)
    return folder


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--only", choices=("steps", "memory"), action="append")
    parser.add_argument("--setting", choices=SETTINGS, action="append")
    parser.add_argument("--peak", nargs=3, metavar=("METHOD", "FOLDER", "CACHE"), help="one process of --only memory")
    options = parser.parse_args()
    device, only = options.device, options.only or ("steps", "memory")
    torch.set_num_threads(os.cpu_count() or 1)
    settings = {name: SETTINGS[name] for name in options.setting or SETTINGS}
    if options.peak:
        method, folder, cache = options.peak
        ((backbone, size, _),) = settings.values()
        print(peak(method, backbone, size, device, prepared(Path(folder), Path(cache), size)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder, cache = find_pictures(Path(scratch)), Path(scratch) / "cache"
        print(f"{provenance.hardware(device)}, torch {torch.__version__}; {folder.parent.name}, batch {BATCH}")
        for name, (backbone, size, repeats) in settings.items():
            print(name, flush=True)
            images = prepared(folder, cache, size)
            if "steps" in only:
                compare_steps(images, folder, backbone, size, repeats, device)
            if "memory" in only:
                command = [sys.executable, __file__, "--device", device, "--setting", name, "--peak"]
                most = {
                    method: float(subprocess.check_output([*command, method, str(folder), str(cache)], text=True))
                    for method in ("moco", "looc")
                }
                ratio = most["looc"] / most["moco"]
                print(
                    f"  peak memory     MoCo {most['moco']:.0f} MB, LooC {most['looc']:.0f} MB: {ratio:.2f} times",
                    flush=True,
                )


if __name__ == "__main__":
    main()
