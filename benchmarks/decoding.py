"""A photograph from a JPEG file to pixels with a short side of 256, by library: milliseconds, and how pixels differ.

Decoding at full size and resizing are timed apart: by Pillow, as loocbench does both, and by torchvision (its own
libjpeg-turbo, torch's antialiased resize of bytes). Pictures: CUB-200 below $LOOCBENCH_DATA if it is there, else made.
One thread; each way takes its turn on every picture; medians over pictures of the least of five turns.
"""

from __future__ import annotations

import io
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import torchvision
from images import make_folder
from PIL import Image
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms.v2 import functional

from loocbench import provenance
from loocbench.data.decoding import VERSION, scale_size

SHORT_SIDE, TURNS, PICTURES = 256, 5, 60


def decode_by_pillow(raw: bytes) -> Image.Image:
    """RGB at full size."""
    image = Image.open(io.BytesIO(raw)).convert("RGB")
    image.load()
    return image


def resize_by_torchvision(image: torch.Tensor) -> torch.Tensor:
    """Uint8 [3, H, W] with a short side of SHORT_SIDE."""
    width, height = scale_size(image.shape[2], image.shape[1], SHORT_SIDE)
    return functional.resize(image, [height, width], antialias=True)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and the result."""
    begin = time.perf_counter()
    result = work()
    return 1_000 * (time.perf_counter() - begin), result


def compare(raw: bytes, taken: dict[str, list[float]], differences: list[np.ndarray]) -> None:
    """Append the least of the turns of each way, and the grey levels by which resized pixels differ."""
    data = torch.frombuffer(bytearray(raw), dtype=torch.uint8)
    pillow = decode_by_pillow(raw)
    interleaved = torch.from_numpy(np.array(pillow)).permute(2, 0, 1)
    ways: dict[str, Callable[[], Any]] = {
        "decode, Pillow": lambda: decode_by_pillow(raw),
        "decode, torchvision": lambda: decode_jpeg(data, ImageReadMode.RGB),
        "resize, Pillow": lambda: pillow.resize(scale_size(*pillow.size, SHORT_SIDE), Image.Resampling.BILINEAR),
        "resize, torchvision": lambda: resize_by_torchvision(interleaved),
    }
    turns, results = defaultdict(list), {}
    for _ in range(TURNS):
        for name, work in ways.items():
            milliseconds, results[name] = timed(work)
            turns[name].append(milliseconds)
    for name, values in turns.items():
        taken[name].append(min(values))
    by_pillow = np.asarray(results["resize, Pillow"]).astype(int)
    differences.append(np.abs(by_pillow - results["resize, torchvision"].permute(1, 2, 0).numpy()).ravel())


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    photographs = Path(os.environ.get("LOOCBENCH_DATA", "")) / "CUB_200_2011" / "images"
    taken: dict[str, list[float]] = defaultdict(list)
    differences: list[np.ndarray] = []
    if photographs.is_dir():
        paths = sorted(photographs.rglob("*.jpg"))
        paths = paths[:: max(1, len(paths) // PICTURES)]
        files, name = [path.read_bytes() for path in paths], "CUB-200"
    else:
        with TemporaryDirectory() as folder:
            make_folder(Path(folder), PICTURES)
            files, name = [path.read_bytes() for path in Path(folder).rglob("*.jpg")], "made"
    for raw in files:
        compare(raw, taken, differences)
    print(f"{provenance.hardware('cpu')}, torch {torch.__version__}, torchvision {torchvision.__version__}, {VERSION}")
    sizes = [Image.open(io.BytesIO(raw)).size for raw in files]
    print(f"{len(files)} pictures ({name}), median {statistics.median(max(size) for size in sizes):.0f} pixels wide")
    for name, values in taken.items():
        low, high = np.quantile(values, [0.25, 0.75])
        print(f"{name:20} {statistics.median(values):.2f} ms (quartiles {low:.2f} to {high:.2f})")
    both = np.concatenate(differences)
    share = 100 * (both > 0).mean()
    print(f"resized pixels differ by at most {both.max()} grey levels, {share:.1f} % of the values at all")


if __name__ == "__main__":
    main()
