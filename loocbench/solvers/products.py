"""Products of dense matrices by the library that is fast on this machine's processor.

On a CPU torch's wheels multiply by Intel's MKL. On other makers' x86 processors that reaches between 0.5 and 0.9 of the
speed of OpenBLAS, which numpy's wheels bring (docs/speed.md has figures). The two differ by rounding.
"""

from __future__ import annotations

import platform
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor

_FEW_OPERATIONS = 1e8  # take torch a few milliseconds, of which handing them to threads would be a part


def multiply(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """``a @ b`` of float matrices [N, D] and [D, K] on one device, without gradients; into ``out`` where given."""
    if a.device.type != "cpu" or 2 * a.numel() * b.shape[1] < _FEW_OPERATIONS or not has_faster_numpy():
        return torch.mm(a, b, out=out) if out is not None else a @ b
    result = a.new_empty(len(a), b.shape[1]) if out is None else out
    left, right, product = a.numpy(), b.numpy(), result.numpy()
    rows = len(left) >= right.shape[1]  # the longer side is shared between the threads

    def multiply_part(part: slice) -> None:
        with np.errstate(all="ignore"):  # as torch: what is not finite is found where it matters
            if rows:
                np.matmul(left[part], right, out=product[part])
            else:
                np.matmul(left, right[:, part], out=product[:, part])

    # OpenBLAS's own threads wait for each other at full load, and hold up whatever else the machine computes.
    # The pool is of this call alone: one that is kept would have no threads in a forked process, and wait for them.
    own, *others = _parts(max(product.shape))
    with _openblas().limit(limits=1), ThreadPoolExecutor(max(1, len(others))) as pool:
        waiting = [pool.submit(multiply_part, part) for part in others]
        multiply_part(own)
        for each in waiting:
            each.result()
    return result


@cache
def has_faster_numpy() -> bool:
    """Whether torch multiplies by MKL on a processor that is not Intel's, and numpy by OpenBLAS."""
    built = np.show_config(mode="dicts")
    openblas = "openblas" in str(built.get("Build Dependencies", {}).get("blas", {}).get("name", ""))
    mkl: bool = torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
    return openblas and mkl and not _is_intel()


def _is_intel() -> bool:
    """Whether the processor is Intel's."""
    try:
        return "GenuineIntel" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "AMD" not in platform.processor()


def _parts(count: int) -> list[slice]:
    """Equal parts of ``count`` rows, one for each thread."""
    ends = np.linspace(0, count, torch.get_num_threads() + 1).astype(int).tolist()
    return [slice(begin, end) for begin, end in pairwise(ends) if end > begin]


@cache
def _openblas() -> ThreadpoolController:
    return ThreadpoolController().select(internal_api="openblas")
