"""The search behind the recipe of the suite ``photographs-small``: settings against what validation images show.

Trains on Tiny ImageNet's training images, one seed of each, and then reads class and orientation off *validation*
images with linear probes trained on training images: from the evaluated features, and from the untrained network's.
Beside them, the run's own signs: each space's loss as a share of what a space that learned nothing has, and by how much
the rotation space varies with rotation. No test image is read. Output: Markdown lines, one for each setting and method.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
from recipe_search import METHODS, STRENGTHS, features_of
from torch import Tensor

from loocbench import provenance
from loocbench.data import catalog, preparing
from loocbench.data.prepared import PreparedImages
from loocbench.models.network import Network
from loocbench.models.preprocessing import default_preprocessing
from loocbench.models.spaces import GENERAL
from loocbench.pretraining import recipes
from loocbench.pretraining.loop import Run
from loocbench.progress import Silent
from loocbench.runs.signs_monitor import SignsMonitor
from loocbench.solvers import fit_logistic_path
from loocbench.types import Recipe, Split

BASE = {
    "backbone": "resnet8",
    "image_size": 32,
    "epochs": 20,
    "batch_size": 64,
    "learning_rate": 0.06,
    "schedule": "cosine",
    "weight_decay": 5e-4,
    "queue_size": 256,
    "key_momentum": 0.99,
    "temperature": 0.2,
    "precision": "float32",
}


def normalised_crops(images: PreparedImages, size: int) -> Tensor:
    """Centre crops of all images, normalised, float32 [N, 3, size, size]."""
    standard = default_preprocessing(size)
    crops = images.center_crops(np.arange(len(images)), size).float() / 255
    return (crops - torch.tensor(standard.mean)[:, None, None]) / torch.tensor(standard.std)[:, None, None]


def turn_each(images: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Every image by one random quarter turn, and these turns."""
    turns = np.random.default_rng(seed).integers(4, size=len(images))
    turned = torch.stack([torch.rot90(image, int(turn), (1, 2)) for image, turn in zip(images, turns, strict=True)])
    return turned, torch.from_numpy(turns)


def probe(train: Tensor, train_labels: Tensor, val: Tensor, val_labels: Tensor) -> float:
    """Validation accuracy in per cent at the best of a few strengths."""
    mean, std = train.mean(dim=0), train.std(dim=0).clamp(min=1e-9)
    path = fit_logistic_path((train - mean) / std, train_labels, STRENGTHS)
    return 100 * float((path.predict((val - mean) / std) == val_labels).double().mean(dim=1).max())


class Judge:
    """Reads class and orientation off a network's features of clean images."""

    def __init__(self, images: dict[str, PreparedImages], splits: dict[str, Split], size: int) -> None:
        self.labels = {name: torch.from_numpy(next(iter(splits[name].labels.values()))) for name in images}
        self.crops = {name: normalised_crops(images[name], size) for name in images}
        self.turned = {name: turn_each(crops, number) for number, (name, crops) in enumerate(self.crops.items())}

    def read(self, network: Network, separate: bool) -> tuple[float, float]:
        """Class and orientation, validation accuracy in per cent."""
        network = network.eval()
        clean = {name: features_of(network, crops, separate)["all"] for name, crops in self.crops.items()}
        turned = {name: features_of(network, images, separate)["all"] for name, (images, _) in self.turned.items()}
        return (
            probe(clean["train"], self.labels["train"], clean["val"], self.labels["val"]),
            probe(turned["train"], self.turned["train"][1], turned["val"], self.turned["val"][1]),
        )


def train(recipe: Recipe, images: PreparedImages, report_every: int) -> tuple[Run, str, float]:
    """Train. Returns the run, its losses and signs in words, and the seconds it took."""
    device = torch.device("cpu")
    run = Run(recipe, images, device)
    signs = SignsMonitor(recipe, images, None, device)
    begin = time.perf_counter()
    for progress in run.steps():
        if progress.ends_epoch and report_every and progress.epoch % report_every == 0:
            print(f"    epoch {progress.epoch}: {progress.losses} {progress.images_per_second:.0f}/s", flush=True)
    taken = time.perf_counter() - begin
    chance = dict(zip(progress.losses, run.training.chance_losses, strict=True))
    said = ", ".join(f"{name} {loss / chance[name]:.2f}" for name, loss in progress.losses.items())
    variation = signs.measure(run.network).variation
    if "rotation" in variation:
        said += f"; rotation moves rotation {variation['rotation']['rotation']:.2f}"
    return run, said, taken


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=METHODS, action="append")
    parser.add_argument("--change", action="append", default=[], metavar="SETTING=VALUE", help="of all methods")
    parser.add_argument("--no-rotation", action="store_true", help="MoCo with color jitter alone")
    parser.add_argument("--untrained", action="store_true", help="measure the untrained network alone")
    parser.add_argument("--report-every", type=int, default=0, help="epochs between lines of losses")
    parser.add_argument("--data", type=Path, default=os.environ.get("LOOCBENCH_DATA"))
    parser.add_argument("--cache", type=Path, default=Path(os.environ.get("LOOCBENCH_CACHE", "cache")))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    changes = {}
    for change in options.change:
        name, value = change.split("=")
        changes[name] = type(BASE[name])(value)
    settings = {**BASE, **changes}
    size = settings["image_size"]
    dataset = catalog.open_dataset("tiny-imagenet", options.data)
    images = {
        name: preparing.prepare(
            dataset, dataset.splits[name], default_preprocessing(size).resize, cache=options.cache, reporter=Silent()
        )
        for name in ("train", "val")
    }
    judge = Judge(images, dataset.splits, size)
    print(f"{provenance.hardware('cpu')}, {options.threads} threads, torch {torch.__version__}; {settings}")
    if options.untrained:
        torch.manual_seed(0)
        network = Network(settings["backbone"], (), separate=False, embedding_dim=0)
        print(f"| untrained | {GENERAL} | | {' | '.join(f'{value:.1f}' for value in judge.read(network, False))} |")
        return
    print(
        "| change | method | loss, of chance | time | class | orientation |\n| --- | --- | --- | ---: | ---: | ---: |"
    )
    for method in options.method or METHODS:
        augmentations = ("color",) if options.no_rotation else ("color", "rotation")
        recipe = recipes.make(method, augmentations=augmentations, **settings)
        run, said, taken = train(recipe, images["train"], options.report_every)
        label, orientation = judge.read(run.network, method.endswith("++"))
        name = method if options.no_rotation else f"{method} + rotation"
        told = ", ".join(options.change) or "as it is"
        print(f"| {told} | {name} | {said} | {taken:.0f} s | {label:.1f} | {orientation:.1f} |", flush=True)


if __name__ == "__main__":
    main()
