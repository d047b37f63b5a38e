"""What can be read off the embedded flowers: by an untrained network, and by one supervised for that very factor.

For each factor (species, colour, texture, orientation), over three seeds: a linear probe on features of an untrained
ResNet-8; and the accuracy of a ResNet-8 supervised for the factor, trained and tested on clean images (centre crops),
and trained and tested on views as pretraining sees them (crop, flip, blur, color jitter, grayscale). Orientation: each
image is turned by one of four quarter turns, drawn anew whenever it is seen.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from loocbench import provenance
from loocbench.data import blooms, blooms_render
from loocbench.models.network import Network
from loocbench.models.preprocessing import default_preprocessing, default_resize
from loocbench.models.spaces import GENERAL
from loocbench.pretraining import recipes
from loocbench.solvers import fit_logistic_path
from loocbench.types import ImageBatch
from loocbench.views.leave_one_out import independent_sources
from loocbench.views.view_maker import ViewMaker

FACTORS = {"species": 10, "color": 6, "texture": 5, "orientation": 4}  # and their classes
SEEDS, BATCH, EPOCHS, RATE = (0, 1, 2), 32, 10, 0.05
STRENGTHS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
IMAGE_SIZE = recipes.DEFAULTS["image_size"]
STANDARD = default_preprocessing(IMAGE_SIZE)


class Flowers(NamedTuple):
    """A split. pixels: uint8 [N, 3, H, W]; labels: int64 [N] of each factor that is one."""

    pixels: Tensor
    labels: dict[str, Tensor]


def read_split(name: str, image_size: int = IMAGE_SIZE) -> Flowers:
    """Render a split at the size from which views of ``image_size`` are cropped."""
    split = blooms.make_blooms().splits[name]
    indices = np.array([int(item.removeprefix("bloom-")) for item in split.items])
    drawn = blooms_render.draw_blooms(0, indices)
    pixels = (
        torch.from_numpy(blooms_render.render_blooms(drawn, default_resize(image_size)))
        .permute(0, 3, 1, 2)
        .contiguous()
    )
    return Flowers(pixels, {factor: torch.from_numpy(labels) for factor, labels in split.labels.items()})


def crop_centers(flowers: Flowers, size: int = IMAGE_SIZE) -> Tensor:
    """Clean images, normalised float [N, 3, size, size]."""
    begin = (flowers.pixels.shape[2] - size) // 2
    crop = flowers.pixels[:, :, begin : begin + size, begin : begin + size].float() / 255
    return (crop - torch.tensor(STANDARD.mean)[:, None, None]) / torch.tensor(STANDARD.std)[:, None, None]


def make_views(flowers: Flowers, rows: np.ndarray, seed: int, epoch: int) -> Tensor:
    """One view each of some images, as pretraining makes it, without rotation."""
    sources = independent_sources(("crop", "flip", "blur", "color"))
    maker = ViewMaker(IMAGE_SIZE, sources, mean=STANDARD.mean, std=STANDARD.std)
    pixels = flowers.pixels[torch.from_numpy(rows)]
    sizes = torch.full((len(rows), 2), pixels.shape[2])
    return maker.apply(ImageBatch(pixels, sizes, None), maker.draw(seed, epoch, rows, sizes, range(1)))[0]


def turn(images: Tensor, seed: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Images turned by quarter turns drawn from ``seed``, and those turns."""
    turns = np.random.default_rng(seed).integers(4, size=len(images))
    turned = torch.stack([torch.rot90(image, int(k), (1, 2)) for image, k in zip(images, turns, strict=True)])
    return turned, torch.from_numpy(turns)


def labelled(
    images: Tensor, flowers: Flowers, rows: np.ndarray, factor: str, seed: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """Images and their classes of ``factor``; turned where that is the orientation."""
    if factor == "orientation":
        return turn(images, seed)
    return images, flowers.labels[factor][torch.from_numpy(rows)]


def make_network(seed: int) -> Network:
    """An untrained ResNet-8 without heads."""
    torch.manual_seed(seed)
    return Network("resnet8", (), separate=False, embedding_dim=0).to(memory_format=torch.channels_last)


@torch.no_grad()
def in_parts(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """``function`` of all images, 500 at a time."""
    return torch.cat([function(part) for part in images.split(500)])


def probe_untrained(splits: dict[str, Flowers], factor: str, seed: int) -> float:
    """Accuracy of the probe whose strength validation chose, on test."""
    network = make_network(seed).eval()
    features, labels = {}, {}
    for number, (name, flowers) in enumerate(splits.items()):
        rows = np.arange(len(flowers.pixels))
        images, labels[name] = labelled(crop_centers(flowers), flowers, rows, factor, (seed, number))
        features[name] = in_parts(lambda part: network.features(part)[GENERAL], images).double()
    mean, std = features["train"].mean(dim=0), features["train"].std(dim=0).clamp(min=1e-9)
    standard = {name: (values - mean) / std for name, values in features.items()}
    path = fit_logistic_path(standard["train"], labels["train"], STRENGTHS)
    scores = {
        name: [accuracy(logits, labels[name]) for logits in path.scores(standard[name])] for name in ("val", "test")
    }
    return scores["test"][int(np.argmax(scores["val"]))]


def supervise(splits: dict[str, Flowers], factor: str, seed: int, views: bool) -> float:
    """Test accuracy of a network trained for ``factor`` on clean images or on views, tested on the same kind."""
    train, test = splits["train"], splits["test"]
    network = make_network(seed)
    classifier = nn.Linear(network.dim, FACTORS[factor])
    parameters = [*network.parameters(), *classifier.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=RATE, momentum=0.9, weight_decay=5e-4)
    clean = crop_centers(train)
    count = len(train.pixels) // BATCH
    for epoch in range(EPOCHS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * epoch / EPOCHS))
        order = np.random.default_rng((seed, epoch)).permutation(len(train.pixels))
        for step in range(count):
            rows = order[step * BATCH : (step + 1) * BATCH]
            images = make_views(train, rows, seed, epoch) if views else clean[torch.from_numpy(rows)]
            images, classes = labelled(images, train, rows, factor, (seed, epoch, step))
            images = images.contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(classifier(network.features(images)[GENERAL]), classes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    network.eval()
    rows = np.arange(len(test.pixels))
    images = make_views(test, rows, seed, EPOCHS) if views else crop_centers(test)
    images, classes = labelled(images, test, rows, factor, (seed, EPOCHS))
    return accuracy(in_parts(lambda part: classifier(network.features(part)[GENERAL]), images), classes)


def accuracy(scores: Tensor, classes: Tensor) -> float:
    """Top-1, per cent."""
    return float((scores.argmax(dim=1) == classes).double().mean()) * 100


def main() -> None:
    """Measure and print a Markdown table: mean over the seeds, lowest and highest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--factor", choices=FACTORS, action="append")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    factors = options.factor or list(FACTORS)
    torch.set_num_threads(options.threads)
    splits = {name: read_split(name) for name in ("train", "val", "test")}
    print(f"{provenance.hardware('cpu')}, torch {torch.__version__}; blooms v{blooms.VERSION}, {EPOCHS} epochs")
    print("| factor | classes | untrained | supervised, clean images | supervised, views |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for factor in factors:
        cells = [
            [probe_untrained(splits, factor, seed) for seed in SEEDS],
            [supervise(splits, factor, seed, views=False) for seed in SEEDS],
            [supervise(splits, factor, seed, views=True) for seed in SEEDS],
        ]
        shown = [f"{np.mean(cell):.1f} ({min(cell):.1f} to {max(cell):.1f})" for cell in cells]
        print(f"| {factor} | {FACTORS[factor]} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
