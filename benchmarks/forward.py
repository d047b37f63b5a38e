"""The forward pass alone on a CPU: the plain network in channels-last, fused, and compiled with frozen weights; in
bfloat16 under autocast and fused, where the processor computes in it.

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
from loocbench.devices import fastest_precision
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
    ways = {"plain": plain, "fused": fused.forward_spaces, "compiled": compiled}
    if fastest_precision("cpu") == "bfloat16":
        half = fusion.fuse_convolutions(encoder.network, images[: inference.CHECKED], torch.bfloat16)
        ways["bfloat16"] = torch.autocast("cpu", torch.bfloat16)(plain)
        ways["bfloat16, fused"] = lambda images: half.forward_spaces(images.bfloat16())
    begin = time.perf_counter()
    compiled(images)
    print(f"{provenance.hardware('cpu')}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{options.backbone}: compiling took {time.perf_counter() - begin:.0f} s")
    seconds = defaultdict(list)
    for turn in range(options.turns + 1):
        for name, forward in ways.items():
            taken = timeit(lambda forward=forward: forward(images), number=1)
            if turn:
                seconds[name].append(taken)
    for name, taken in seconds.items():
        print(f"  {name:15} {count / statistics.median(taken):6.1f} images/s")
    pairs = [("fused", "plain"), ("compiled", "fused")]
    pairs += [
        (name, other) for name, other in [("bfloat16, fused", "bfloat16"), ("bfloat16, fused", "fused")] if name in ways
    ]
    for name, other in pairs:
        ratio = statistics.median(b / a for a, b in zip(seconds[name], seconds[other], strict=True))
        print(f"  {name}, times {other}: {ratio:.2f}")


if __name__ == "__main__":
    main()
