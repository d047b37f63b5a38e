"""Matrix products of the solver and of neighbours by each library that can multiply them: 1e9 operations per second.

torch is Intel's MKL in its wheels; OpenBLAS is numpy's, a part in each thread as loocbench uses it; oneDNN is torch's,
in float32 alone. The ways take turns; medians, the least and the most of nine. Products of one shape alone are faster
than in a solver, between whose products the processor's cache is used for other things.
"""

from __future__ import annotations

import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets them, before torch is imported
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import numpy as np
import torch
from torch import Tensor

from loocbench import provenance
from loocbench.solvers import products

TURNS = 9
SHAPES = {
    "solver, CUB-200's size": (5_994, 2_048, 200),
    "solver, Flowers-102's size": (1_020, 2_048, 102),
    "neighbours, a tile": (2_048, 2_048, 8_192),
}


def ways(dtype: torch.dtype) -> dict[str, Callable[[Tensor, Tensor, Tensor], object]]:
    """The libraries that multiply in this type, each into a given matrix."""
    every: dict[str, Callable[[Tensor, Tensor, Tensor], object]] = {
        "torch": lambda a, b, out: torch.mm(a, b, out=out),
        "OpenBLAS": products._multiply_by_openblas,
    }
    if dtype == torch.float32 and products.can_call_onednn():
        every["oneDNN"] = products._multiply_by_onednn
    return every


def speeds(shape: tuple[int, int, int], dtype: torch.dtype) -> dict[str, list[float]]:
    """1e9 operations per second of each way, turn by turn, after a first one that is not counted."""
    rows, inner, columns = shape
    a, b, out = (torch.randn(*size, dtype=dtype) for size in ((rows, inner), (inner, columns), (rows, columns)))
    found: dict[str, list[float]] = defaultdict(list)
    for turn in range(TURNS + 1):
        for name, multiply in ways(dtype).items():
            begin = time.perf_counter()
            multiply(a, b, out)
            if turn:
                found[name].append(2 * rows * inner * columns / (time.perf_counter() - begin) / 1e9)
    return found


def main() -> None:
    """Measure and print."""
    print(f"{provenance.hardware('cpu')}, torch {torch.__version__}, numpy {np.__version__}")
    told = ("OPENBLAS_CORETYPE", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")
    print(", ".join(f"{name}={os.environ[name]}" for name in told if name in os.environ) or "no library told anything")
    for dtype in (torch.float32, torch.float64):
        for what, shape in SHAPES.items():
            sizes = " x ".join(f"{size:,}" for size in shape)
            each = [
                f"{name} {statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"
                for name, values in speeds(shape, dtype).items()
            ]
            print(f"{str(dtype).removeprefix('torch.')}, {what}, {sizes}: {', '.join(each)}")


if __name__ == "__main__":
    main()
