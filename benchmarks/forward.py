"""The forward pass alone on a CPU: the plain network in channels-last, fused, and compiled with frozen weights.

The ways take turns on one batch of 32 at 224 px; the first turn warms up. Ratios are medians of ratios within a turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import defaultdict
from timeit import timeit

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as loocbench's command line has them
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import torch
from networks import SIZE, build_networks

from loocbench import provenance
from loocbench.features import compiling, fusion, inference


@torch.inference_mode()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--turns", type=int, default=8)
    options = parser.parse_args()
    _, encoder = build_networks(options.backbone)
    count = inference.default_batch_size(encoder)
    crops = torch.randint(0, 256, (count, SIZE.image_size, SIZE.image_size, 3), dtype=torch.uint8).permute(0, 3, 1, 2)
    images = encoder.normalise(crops)
    fused = fusion.fuse_convolutions(encoder.network, images[: inference.CHECKED])
    if fused is None:
        raise SystemExit("nothing to fuse")
    plain, compiled = encoder.network.forward_spaces, compiling.compile_forward(encoder.network.forward_spaces, "cpu")
    begin = time.perf_counter()
    compiled(images)
    print(f"{provenance.hardware('cpu')}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{options.backbone}: compiling took {time.perf_counter() - begin:.0f} s")
    seconds = defaultdict(list)
    for turn in range(options.turns + 1):
        for name, forward in (("plain", plain), ("fused", fused.forward_spaces), ("compiled", compiled)):
            taken = timeit(lambda forward=forward: forward(images), number=1)
            if turn:
                seconds[name].append(taken)
    for name, taken in seconds.items():
        print(f"  {name:9} {count / statistics.median(taken):6.1f} images/s")
    for name, other in (("fused", "plain"), ("compiled", "fused")):
        ratio = statistics.median(b / a for a, b in zip(seconds[name], seconds[other], strict=True))
        print(f"  {name}, times {other}: {ratio:.2f}")


if __name__ == "__main__":
    main()
