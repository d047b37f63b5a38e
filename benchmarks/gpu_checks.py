"""Whether a device computes what the CPU does: views, steps, features, solutions, and NCCL's reductions."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from networks import build_networks

from loocbench.pretraining import recipes
from loocbench.pretraining.batches import Images
from loocbench.pretraining.loop import Run
from loocbench.solvers import fit_logistic_path
from loocbench.types import ImageBatch
from loocbench.views.leave_one_out import independent_sources
from loocbench.views.view_maker import ViewMaker

NCCL = """
import os, torch, torch.distributed as dist
dist.init_process_group(os.environ["BACKEND"])
device = "cuda" if os.environ["BACKEND"] == "nccl" else "cpu"
value = torch.arange(4.0, device=device)
dist.all_reduce(value)
dist.broadcast(value, 0)
assert value.tolist() == [0.0, 1.0, 2.0, 3.0]
dist.destroy_process_group()
"""


class Check(NamedTuple):
    """A comparison with the CPU. value: the difference that was found; it holds if it is within ``limit``."""

    name: str
    value: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.value <= self.limit


def check_all(device: torch.device, images: Images) -> Iterator[Check]:
    """All comparisons. images: decoded training images."""
    yield check_views(device)
    yield check_steps(device, images)
    yield check_features(device)
    yield check_solver(device)
    yield check_reductions(device)


def check_views(device: torch.device) -> Check:
    """Views of the same draws: within a grey level of the CPU's compiled pass."""
    generator = np.random.default_rng(0)
    pixels = torch.from_numpy(generator.integers(0, 256, (16, 3, 72, 72), np.uint8))
    sizes = torch.full((16, 2), 72)
    maker = ViewMaker(64, independent_sources(("crop", "flip", "blur", "color", "rotation")))
    drawn = maker.draw(0, 0, np.arange(16), sizes, range(2))
    on_cpu = maker.apply(ImageBatch(pixels, sizes, None), drawn)
    there = maker.apply(ImageBatch(pixels.to(device), sizes, None), drawn).cpu()
    # Crops are rounded to 8 bits by torch and not by the compiled pass; contrast and saturation may double that.
    apart = float((on_cpu - there).abs().quantile(0.999))
    return Check("views, difference that 99.9 % of values stay below, in [0, 1]", apart, 2.5 / 255)


def check_steps(device: torch.device, images: Images) -> Check:
    """The loss of the first step of LooC, in float32: the same network, the same images, the same queue."""
    recipe = recipes.make(
        "looc", backbone="resnet8", image_size=32, epochs=1, batch_size=32, queue_size=64, learning_rate=0.03
    )
    losses = [next(Run(recipe, images, one).steps()).loss for one in (torch.device("cpu"), device)]
    return Check("loss of LooC's first step, relative difference", abs(losses[1] / losses[0] - 1), 5e-3)


def check_features(device: torch.device) -> Check:
    """Features of a ResNet-18 in float32."""
    network, _ = build_networks("resnet18")
    images = torch.randn(8, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        on_cpu = network(images)
        there = network.to(device)(images.to(device)).cpu()
    return Check("features, relative difference", float((there - on_cpu).norm() / on_cpu.norm()), 1e-3)


def check_solver(device: torch.device) -> Check:
    """Weights of a certified path: both are within certificate / strength of the optimum."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(400) % 10
    features = torch.randn(10, 64, generator=generator)[labels] + torch.randn(400, 64, generator=generator)
    paths = [
        fit_logistic_path(features.to(one), labels.to(one), [1e-2, 1e-4], tolerance=1e-9) for one in ("cpu", device)
    ]
    apart = [(a - b.cpu()).norm() / a.norm() for a, b in zip(paths[0].weights, paths[1].weights, strict=True)]
    return Check("probe's weights, relative difference", float(max(apart)), 1e-4)


def check_reductions(device: torch.device) -> Check:
    """A process group of one process: the reductions of a run under torchrun."""
    backend = "nccl" if device.type == "cuda" else "gloo"
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "reduce.py"
        script.write_text(NCCL)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "1", str(script)]
        code = subprocess.run(command, env={**os.environ, "BACKEND": backend}, check=False).returncode
    return Check(f"{backend} with one process, exit code", float(code), 0.0)
