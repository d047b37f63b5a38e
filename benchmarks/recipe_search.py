"""The search behind the recipe for small budgets: settings against what validation images then show.

Starts from one recipe (``DEFAULTS`` of pretraining on blooms) and changes one setting at a time, or two that belong
together. For each method and setting, from one seed: each space's loss as a share of what a space that learned nothing
has, and what a probe trained on the training images reads off clean *validation* images: orientation and colour, from
the evaluated features and from single spaces. Test images are never rendered. Output: Markdown lines, in the order of
``--method`` and ``--setting``.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from blooms_factors import Flowers, crop_centers, labelled, read_split
from torch import Tensor

from loocbench import provenance
from loocbench.data import blooms
from loocbench.models.network import Network
from loocbench.models.spaces import GENERAL
from loocbench.pretraining import recipes
from loocbench.pretraining.loop import Run
from loocbench.solvers import fit_logistic_path
from loocbench.types import ImageBatch

METHODS = ("moco", "moco++", "looc", "looc++")  # all with color jitter and rotation
SETTINGS: dict[str, dict[str, float | int | str]] = {
    "as it is": {},
    "learning rate 0.015": {"learning_rate": 0.015},
    "learning rate 0.06": {"learning_rate": 0.06},
    "learning rate 0.12": {"learning_rate": 0.12},
    "learning rate 0.2": {"learning_rate": 0.2},
    "queue 32": {"queue_size": 32},
    "queue 256": {"queue_size": 256},
    "queue 1,024": {"queue_size": 1024},
    "temperature 0.1": {"temperature": 0.1},
    "key momentum 0.9": {"key_momentum": 0.9},
    "key momentum 0.999": {"key_momentum": 0.999},
    "weight decay 1e-4": {"weight_decay": 1e-4},
    "batch 64": {"batch_size": 64},
    "batch 64, learning rate 0.06": {"batch_size": 64, "learning_rate": 0.06},
    "8 epochs": {"epochs": 8},
    "30 epochs": {"epochs": 30},
    "twice the width": {"backbone": "resnet8_w32"},
    "32 px": {"image_size": 32},
}
STRENGTHS = (1e-2, 1e-3, 1e-4, 1e-5)


class Rendered:
    """A split of decoded images in memory, as pretraining reads it."""

    def __init__(self, flowers: Flowers) -> None:
        self.flowers = flowers

    def __len__(self) -> int:
        return len(self.flowers.pixels)

    def batch(self, rows: np.ndarray) -> ImageBatch:
        """The images at ``rows``."""
        pixels = self.flowers.pixels[torch.from_numpy(rows)]
        return ImageBatch(pixels, torch.full((len(rows), 2), pixels.shape[2]), None)


@torch.no_grad()
def features_of(network: Network, images: Tensor, separate: bool) -> dict[str, Tensor]:
    """Features by name of space; those that are evaluated are called "all"."""
    parts = [network.forward_spaces(part) for part in images.split(500)]
    found = {name: torch.cat([part[name] for part in parts]).double() for name in parts[0]}
    whole = torch.cat(list(found.values()), dim=1) if separate else found.pop(GENERAL)
    return {"all": whole, **found}


def probe(network: Network, splits: dict[str, Flowers], factor: str, size: int, separate: bool) -> dict[str, float]:
    """Validation accuracy in per cent by space, at the best of a few strengths."""
    features: dict[str, dict[str, Tensor]] = {}
    labels = {}
    for number, (name, flowers) in enumerate(splits.items()):
        rows = np.arange(len(flowers.pixels))
        images, labels[name] = labelled(crop_centers(flowers, size), flowers, rows, factor, (0, number))
        features[name] = features_of(network, images, separate)
    found = {}
    for space, values in features["train"].items():
        mean, std = values.mean(dim=0), values.std(dim=0).clamp(min=1e-9)
        path = fit_logistic_path((values - mean) / std, labels["train"], STRENGTHS)
        right = path.predict((features["val"][space] - mean) / std) == labels["val"]
        found[space] = 100 * float(right.double().mean(dim=1).max())
    return found


def measure(method: str, changes: dict[str, float | int | str], splits: dict[int, dict[str, Flowers]]) -> str:
    """Train and probe; cells of a Markdown line."""
    settings = {**recipes.DEFAULTS, **changes}
    settings.pop("method")
    recipe = recipes.make(method, augmentations=("color", "rotation"), **settings)
    begin = time.perf_counter()
    run = Run(recipe, Rendered(splits[recipe.image_size]["train"]), torch.device("cpu"))  # type: ignore[arg-type]
    for progress in run.steps():
        losses = progress.losses
    taken = time.perf_counter() - begin
    network = run.network.eval()
    chance = dict(zip(losses, recipes.find_method(method).chance_losses(recipe, classes=0), strict=True))
    read = {
        factor: probe(network, splits[recipe.image_size], factor, recipe.image_size, method.endswith("++"))
        for factor in ("orientation", "color")
    }
    shares = ", ".join(f"{name} {losses[name] / chance[name]:.2f}" for name in losses)
    cells = [shares, f"{taken:.0f} s"]
    for factor in read:
        named = [f"{read[factor][name]:.1f}" for name in ("color", "rotation") if name in read[factor]]
        cells.append(" / ".join([f"**{read[factor]['all']:.1f}**", *named]))
    return " | ".join(cells)


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=METHODS, action="append")
    parser.add_argument("--setting", choices=SETTINGS, action="append")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    names = options.setting or list(SETTINGS)
    sizes = {int(SETTINGS[name].get("image_size", recipes.DEFAULTS["image_size"])) for name in names}
    splits = {size: {name: read_split(name, size) for name in ("train", "val")} for size in sizes}
    print(
        f"{provenance.hardware('cpu')}, {options.threads} threads, torch {torch.__version__}; blooms v{blooms.VERSION}"
    )
    print(
        "| setting | method | loss, of chance | time | orientation | colour |\n| --- | --- | --- | ---: | --- | --- |"
    )
    for name in names:
        for method in options.method or METHODS:
            print(f"| {name} | {method} | {measure(method, SETTINGS[name], splits)} |", flush=True)


if __name__ == "__main__":
    main()
