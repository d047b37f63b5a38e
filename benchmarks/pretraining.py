"""A pretraining step beside its bare passes and beside lightly's MoCo: MoCo v2's recipe, batch 64, 4096 negatives.

A step is all that ``loocbench pretrain`` does for one: images from the prepared cache, their views, one optimiser step.
Its bare passes are the networks' alone, on ready tensors: the query encoder forward and back, the key encoder forward
for each key. What is compared takes turns, step by step, or in spells where worker processes take part, so that other
work on the machine meets all of it alike. lightly runs its own MoCo example with its own transform, in float32, from
image files, with a DataLoader of two workers, in a process of its own without loocbench's settings; with
``--same-settings`` its waiting threads sleep as ours do. Memory is the highest resident (GPU: allocated) memory over
three steps, beyond what the process had before.

Pictures: CUB-200 below $LOOCBENCH_DATA if it is there, else smooth noise of a photograph's size. On a GPU
(``--device cuda``) images lie on the device, and lightly is left out. bfloat16 is measured where the device computes in
it.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets them, before torch is imported
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from images import make_folder
from lightly_moco import BATCH, WORKERS, elapsed
from torch import Tensor
from torchvision import models

from loocbench import heap, provenance
from loocbench.data import catalog, preparing
from loocbench.data.prepared import PreparedImages
from loocbench.devices import fastest_precision
from loocbench.models.preprocessing import default_preprocessing
from loocbench.pretraining import recipes
from loocbench.pretraining.batches import Batches, Images
from loocbench.pretraining.layout import Layout
from loocbench.pretraining.loop import Run
from loocbench.pretraining.step import autocast
from loocbench.progress import Silent
from loocbench.types import Recipe

SETTINGS = {  # and steps timed
    "resnet8 at 32 px": ("resnet8", 32, 40),
    "resnet18 at 64 px": ("resnet18", 64, 12),
    "resnet50 at 224 px": ("resnet50", 224, 3),
}


def recipe_of(method: str, backbone: str, size: int, precision: str = "float32", batch: int = BATCH) -> Recipe:
    """MoCo v2's setting; LooC's with color and rotation."""
    return recipes.make(
        method,
        backbone=backbone,
        image_size=size,
        epochs=1_000_000,
        batch_size=batch,
        learning_rate=0.01,
        queue_size=4096,
        precision=precision,
    )


def our_views(recipe: Recipe, images: Images, device: str) -> Iterator[Tensor]:
    """Queries and keys of batches without end, made as in training."""
    batches = Batches(recipe, images, None, torch.device(device))
    generator = np.random.default_rng(0)
    while True:
        order = generator.permutation(len(images))
        size = recipe.batch_size
        parts = [order[begin : begin + size] for begin in range(0, len(images) - size + 1, size)]
        for batch in batches.iterate_epoch(0, parts, Layout()):
            yield batch.keys


def bare_passes(run: Run) -> Iterator[None]:
    """The passes of a step's networks on a batch that is ready, and nothing else."""
    training: Any = run.training
    order = np.random.default_rng(0).permutation(len(run.labels))[: run.recipe.batch_size]
    batch = next(run.batches.iterate_epoch(0, [order], training.layout))
    queries, keys = batch.queries.clone(), batch.keys.clone()
    gradient = torch.randn(len(training.losses), len(order), run.recipe.embedding_dim, device=run.device) / len(order)
    while True:
        with torch.no_grad(), autocast(run.recipe, run.device):
            for view in keys:
                training.key_encoder(view)
        training.network.zero_grad(set_to_none=True)
        with autocast(run.recipe, run.device):
            embeddings = training.network(queries)
        embeddings.backward(gradient)
        yield


def take_turns(contenders: dict[str, Iterator[Any]], repeats: int, device: str) -> dict[str, list[float]]:
    """Seconds of ``repeats`` steps of each, one after the other, after two to warm up."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(2 + repeats):
        for name, steps in contenders.items():
            seconds = elapsed(steps, device)
            if number >= 2:
                taken[name].append(seconds)
    return taken


class LightlyProcess:
    """lightly's example in a process of its own, as its users run it: without what loocbench sets of the process."""

    def __init__(self, folder: Path, backbone: str, size: int, same_settings: bool) -> None:
        own = () if same_settings else ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
        theirs = {name: value for name, value in os.environ.items() if name not in own}
        command = [sys.executable, str(Path(__file__).with_name("lightly_moco.py")), str(folder), backbone, str(size)]
        self._process = subprocess.Popen(command, env=theirs, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def spell(self, count: int) -> list[float]:
        """Seconds of ``count`` steps in a row."""
        assert self._process.stdin
        assert self._process.stdout
        print(count, file=self._process.stdin, flush=True)
        return [float(word) for word in self._process.stdout.readline().split()]

    def end(self) -> None:
        """Let it end."""
        self._process.communicate()


def compare_with_lightly(
    images: PreparedImages, folder: Path, backbone: str, size: int, repeats: int, same_settings: bool
) -> None:
    """MoCo beside lightly's, in spells. In one, nothing is counted before a step has used up what workers had ready."""
    steps = Run(recipe_of("moco", backbone, size), images, torch.device("cpu")).steps()
    lightly = LightlyProcess(folder, backbone, size, same_settings)
    ours: list[float] = []
    theirs: list[float] = []
    ready = 2 * WORKERS + 1
    for _ in range(3):
        ours += [elapsed(steps, "cpu") for _ in range(1 + repeats)][1:]
        theirs += lightly.spell(ready + repeats)[ready:]
    lightly.end()
    us, them = statistics.median(ours), statistics.median(theirs)
    print(
        f"  MoCo: lightly {them * 1000:.1f} ms, loocbench {us * 1000:.1f} ms: {them / us:.2f} times as fast", flush=True
    )


def ratio(above: list[float], below: list[float]) -> float:
    """Median of the ratio, turn by turn."""
    return statistics.median(one / other for one, other in zip(above, below, strict=True))


def compare_steps(images: PreparedImages, backbone: str, size: int, repeats: int, device: str) -> None:
    """MoCo and LooC beside their bare passes and the making of their views."""
    on = torch.device(device)
    held = images.on_device(on) if device == "cuda" else images
    for precision in sorted({fastest_precision(device)} if device == "cuda" else {"float32", fastest_precision("cpu")}):
        for method in ("moco", "looc"):
            recipe = recipe_of(method, backbone, size, precision)
            contenders = {
                "step": Run(recipe, held, on).steps(),
                "bare": bare_passes(Run(recipe, held, on)),
                "views": our_views(recipe, held, device),
            }
            taken = take_turns(contenders, repeats, device)
            step, bare, views = (statistics.median(taken[name]) for name in ("step", "bare", "views"))
            print(
                f"  {method:5}{precision:9} step {step * 1000:7.1f} ms ({BATCH / step:.0f} images/s), "
                f"bare passes {bare * 1000:7.1f} ms: {ratio(taken['step'], taken['bare']):.2f} times; "
                f"views {views * 1000:6.1f} ms: {ratio(taken['views'], taken['step']):.1%} of a step",
                flush=True,
            )


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


def load() -> str:
    """How busy the machine is before anything is measured."""
    return f"{os.getloadavg()[1]:.1f} other tasks wanted a processor over the last five minutes"


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
    parser.add_argument("--only", choices=("steps", "lightly", "memory"), action="append")
    parser.add_argument("--same-settings", action="store_true", help="threads of lightly's process wait as loocbench's")
    parser.add_argument("--setting", choices=SETTINGS, action="append")
    parser.add_argument("--peak", nargs=3, metavar=("METHOD", "FOLDER", "CACHE"), help="one process of --only memory")
    options = parser.parse_args()
    device, only = options.device, options.only or ("steps", "lightly", "memory")
    torch.set_num_threads(os.cpu_count() or 1)
    settings = {name: SETTINGS[name] for name in options.setting or SETTINGS}
    heap.keep_freed_memory()  # as a run does
    if options.peak:
        method, folder, cache = options.peak
        ((backbone, size, _),) = settings.values()
        print(peak(method, backbone, size, device, prepared(Path(folder), Path(cache), size)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder, cache = find_pictures(Path(scratch)), Path(scratch) / "cache"
        print(
            f"{provenance.hardware(device)}, torch {torch.__version__}; {folder.parent.name}, batch {BATCH}; {load()}"
        )
        for name, (backbone, size, repeats) in settings.items():
            print(name, flush=True)
            images = prepared(folder, cache, size)
            if "steps" in only:
                compare_steps(images, backbone, size, repeats, device)
            if "lightly" in only and device == "cpu" and hasattr(models, backbone):
                compare_with_lightly(images, folder, backbone, size, max(repeats // 3, 2), options.same_settings)
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
