"""Features of JPEG files at 224 px: loocbench from cold to written files, beside what a user would run instead.

    (a) loader    torchvision's ImageFolder and transforms in a DataLoader (two workers), torchvision's network, eager
    (b) bare      the same eager network on batches that lie in memory already: no files, no decoding, nothing written
    (c) timm      timm's usual loop: its data configuration, transforms and loader (two workers), its network
    cold          loocbench.features.extraction: decode, prepare, compute, write; an empty cache each time
    warm          the same call again: the features are there

Images come in parts of ``--part``; each way takes a part in turn, so that a busy moment hits all of them, and a ratio
is the median over the parts of ratios within a part. The first part warms up and is not counted. Beside images per
second by the wall clock stands the processor time per image, which other programs on the machine disturb less.

Pictures: ``--images FOLDER``, else smooth noise of a photograph's size, JPEG quality 92.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as loocbench's command line has them; for all ways alike
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import torch
from images import make_folder
from networks import SIZE, build_networks
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.datasets.folder import pil_loader

from loocbench import provenance
from loocbench.data import folders
from loocbench.features import extraction, inference
from loocbench.features.encoder import Encoder
from loocbench.progress import Silent
from loocbench.types import Preprocessing, Split

BATCH, WORKERS = 64, 2


class Cost(NamedTuple):
    """What one way took for one part."""

    seconds: float
    core_seconds: float


class Files(Dataset[Tensor]):
    """Some image files, transformed."""

    def __init__(self, paths: list[Path], transform: Callable[[Any], Tensor]) -> None:
        self.paths, self.transform = paths, transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> Tensor:
        return self.transform(pil_loader(str(self.paths[row])))


def evaluation_transforms(size: Preprocessing) -> Callable[[Any], Tensor]:
    """torchvision's evaluation transforms."""
    return transforms.Compose(
        [
            transforms.Resize(size.resize),
            transforms.CenterCrop(size.image_size),
            transforms.ToTensor(),
            transforms.Normalize(size.mean, size.std),
        ]
    )


def extract_with_loader(network: nn.Module, paths: list[Path], transform: Callable[[Any], Tensor]) -> Tensor:
    """Features as users collect them: a DataLoader and a loop."""
    loader = DataLoader(Files(paths, transform), BATCH, num_workers=WORKERS)
    with torch.inference_mode():
        return torch.cat([network(batch) for batch in loader])


def measure_cost(work: Callable[[], Any]) -> Cost:
    """Seconds by the wall clock, and of all processors, worker processes included."""
    cpu, begin = _cpu_seconds(), time.perf_counter()
    work()
    return Cost(time.perf_counter() - begin, _cpu_seconds() - cpu)


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def fuse(encoder: Encoder) -> None:
    """What cold extraction does once per process, before its first batch; one image is computed too."""
    encoder.prepared_forwards.clear()
    size = encoder.preprocessing.image_size
    inference.InferenceNetwork(encoder, info=print)(torch.zeros(1, 3, size, size, dtype=torch.uint8))


def list_ways(
    backbone: str, paths: list[Path], folder: Path, network: nn.Module, encoder: Encoder, timm_network: Any, cache: Path
) -> dict[str, Callable[[], Any]]:
    """What is timed on one part of the images."""
    items = tuple(path.relative_to(folder).as_posix() for path in paths)
    split = Split("part", "test", items, {}, {})
    dataset = folders.open_image_files("part", folder, {"test": split})

    def extract() -> Any:
        return extraction.extract(encoder, dataset, split, cache=cache, reporter=Silent())

    def cold() -> Any:
        shutil.rmtree(cache, ignore_errors=True)
        return extract()

    held = [
        torch.stack([evaluation_transforms(SIZE)(pil_loader(str(path))) for path in paths[i : i + BATCH]])
        for i in range(0, len(paths), BATCH)
    ]

    def bare() -> None:
        with torch.inference_mode():
            for batch in held:
                network(batch)

    every = {"(a) loader": lambda: extract_with_loader(network, paths, evaluation_transforms(SIZE)), "(b) bare": bare}
    if timm_network is not None:
        import timm

        transform = timm.data.create_transform(**timm.data.resolve_data_config({}, model=timm_network))
        every["(c) timm"] = lambda: extract_with_loader(timm_network, paths, transform)
    return every | {"cold": cold, "warm": extract}


def compare(backbone: str, folder: Path, every: list[Path], part: int, scratch: Path) -> dict[str, Any]:
    """Each part by each way in turn."""
    network, encoder = build_networks(backbone)
    try:
        import timm

        timm_network = timm.create_model(backbone, pretrained=False, num_classes=0).eval().requires_grad_(False)
    except ImportError:
        timm_network = None
    costs: dict[str, list[Cost]] = defaultdict(list)
    parts = [every[:8], *(every[begin : begin + part] for begin in range(0, len(every), part))]
    for number, paths in enumerate(parts):
        for name, work in list_ways(backbone, paths, folder, network, encoder, timm_network, scratch / "cache").items():
            taken = measure_cost(work)
            print(f"part {number} of {len(parts) - 1}, {name}: {taken.seconds:.1f} s", file=sys.stderr, flush=True)
            if number:  # the first, small part warms up
                costs[name].append(Cost(taken.seconds / len(paths), taken.core_seconds / len(paths)))
    found: dict[str, Any] = {"once": {"fusing and checking, seconds": measure_cost(lambda: fuse(encoder)).seconds}}
    for name, taken in costs.items():
        found[name] = {
            "images/s": 1 / statistics.median(one.seconds for one in taken),
            "core-ms/image": 1e3 * statistics.median(one.core_seconds for one in taken),
        }
        for other, theirs in costs.items():
            if other.startswith("(") and name in ("cold", "warm"):
                for unit in ("seconds", "core_seconds"):
                    ratios = [getattr(b, unit) / getattr(a, unit) for a, b in zip(taken, theirs, strict=True)]
                    found[name][f"times {other} by {unit}"] = statistics.median(ratios)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="a folder of JPEG files instead of made ones")
    parser.add_argument("--images-count", type=int, default=2000)
    parser.add_argument("--part", type=int, default=250, help="images that each way takes in turn")
    parser.add_argument("--backbone", action="append", help="default resnet18 and resnet50")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.images or Path(scratch) / "made"
        if options.images is None:
            folder.mkdir()
            make_folder(folder, options.images_count)
        every = sorted(path for path in folder.rglob("*.jp*g"))[: options.images_count]
        load = os.getloadavg()[0]
        head = {
            "hardware": provenance.hardware("cpu"),
            "torch": torch.__version__,
            "threads": options.threads,
            "images": len(every),
            "load before": load,
        }
        found = {}
        print(f"{head}; a load above 0 before the run means that others used the machine too", flush=True)
        for backbone in options.backbone or ["resnet18", "resnet50"]:
            found[backbone] = compare(backbone, folder, every, options.part, Path(scratch))
            if not options.json:
                show(backbone, found[backbone])
    if options.json:
        print(json.dumps({**head, "networks": found}))


def show(backbone: str, found: dict[str, Any]) -> None:
    """A small table."""
    print(f"\n{backbone}")
    print(f"  fusing and checking, once a run: {found['once']['fusing and checking, seconds']:.1f} s, beside the rest")
    for name, values in found.items():
        if name == "once":
            continue
        print(
            f"  {name:11} {values['images/s']:9.1f} images/s {values['core-ms/image']:8.1f} core-ms per image",
            flush=True,
        )
    for name in ("cold", "warm"):
        for unit, title in (("seconds", "by the clock"), ("core_seconds", "by processor time")):
            ratios = [f"{other} {found[name][f'times {other} by {unit}']:.2f}" for other in found if other[0] == "("]
            print(f"  {name}, {title}: times {', '.join(ratios)}", flush=True)


if __name__ == "__main__":
    main()
