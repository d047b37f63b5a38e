"""Products of dense matrices by the library that is fast on this machine's processor.

On a CPU torch's wheels multiply by Intel's MKL. On other makers' x86 processors that reaches between 0.4 and 0.9 of the
speed of oneDNN, which torch's wheels bring, too, and of OpenBLAS, which numpy's do (docs/speed.md has figures). oneDNN
multiplies in float32 alone; it uses the processor's widest instructions, where OpenBLAS may have been told not to. All
differ by rounding; which of them multiplies depends on processor, installed libraries, type and shapes, and not on how
long anything took, so figures can be repeated.
"""

from __future__ import annotations

import platform
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor

from loocbench.devices import has_onednn

# Operations that take torch as long as a call of oneDNN, and as long as handing parts to OpenBLAS's threads.
_FEW_FOR_ONEDNN, _FEW_FOR_OPENBLAS = 1e7, 1e8
_PART = 2**22  # values, 16 MiB: memory of more than 32 MiB goes back to the system, and is slow to get again
_COLUMNS = 256  # of such a part, at least: fewer are slow to multiply
_LARGE = 2e10  # operations, from which OpenBLAS is faster than oneDNN on processors without AVX-512

_ALONE = threading.Lock()  # the number of OpenBLAS's threads is the process's


def multiply(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """``a @ b`` of matrices [N, D] and [D, K] of one type on one device; into ``out`` [N, K] where given.

    Raises RuntimeError, as torch.mm does, for shapes, types or devices that do not fit.
    """
    operations = 2 * a.numel() * b.shape[-1]
    if operations < _FEW_FOR_ONEDNN or not _fits_every_library(a, b, out) or not has_slow_torch():
        return torch.mm(a, b, out=out) if out is not None else a @ b
    if a.dtype == torch.float32 and can_call_onednn() and (operations < _LARGE or _has_avx512()):
        return _call_onednn(a, b) if out is None else _multiply_by_onednn(a, b, out)
    if operations < _FEW_FOR_OPENBLAS or not _has_openblas():
        return torch.mm(a, b, out=out) if out is not None else a @ b
    return _multiply_by_openblas(a, b, a.new_empty(len(a), b.shape[1]) if out is None else out)


def _fits_every_library(a: Tensor, b: Tensor, out: Tensor | None) -> bool:
    """Whether oneDNN and OpenBLAS multiply these as torch does; the rest torch itself multiplies, or refuses."""
    each = (a, b) if out is None else (a, b, out)
    return (
        a.dtype in (torch.float32, torch.float64)
        and all(one.ndim == 2 and one.dtype == a.dtype and one.device.type == "cpu" for one in each)
        and not any(one.requires_grad for one in each)
        and a.shape[1] == b.shape[0]
        and (out is None or (out.shape == (len(a), b.shape[1]) and 0 not in out.stride()))
    )


def _multiply_by_onednn(a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    """oneDNN writes where it likes: parts of the product are copied, small enough for memory that is used again."""
    width = max(_COLUMNS, _PART // len(out))
    for begin in range(0, b.shape[1], width):
        out[:, begin : begin + width] = _call_onednn(a, b[:, begin : begin + width])
    return out


def _call_onednn(a: Tensor, b: Tensor) -> Tensor:
    """oneDNN copies its first argument unless it is contiguous, so that is a contiguous one, or the smaller one."""
    linear = torch.ops.mkldnn._linear_pointwise.default
    product: Tensor
    if a.is_contiguous() or a.numel() <= b.numel():
        product = linear(a, _without_gaps(b.T), None, "none", [], "")
    else:
        product = linear(b.T, _without_gaps(a), None, "none", [], "").T
    return product


def _without_gaps(matrix: Tensor) -> Tensor:
    """Of a matrix that lies in memory neither by rows nor by columns alone, as part of a wider one, a copy: with it as
    the second argument oneDNN takes its reference code, which is a thousand times as slow."""
    return matrix.T.contiguous().T if matrix.stride(0) == 1 else matrix.contiguous()


def _multiply_by_openblas(a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    """OpenBLAS's own threads wait for each other at full load, and hold up whatever else the machine computes: a part
    is multiplied by one in each of as many threads as torch has."""
    left, right, product = a.numpy(), b.numpy(), out.numpy()
    rows = len(left) >= right.shape[1]  # the longer side is shared between the threads

    def multiply_part(part: slice) -> None:
        with np.errstate(all="ignore"):  # as torch: what is not finite is found where it matters
            if rows:
                np.matmul(left[part], right, out=product[part])
            else:
                np.matmul(left, right[:, part], out=product[:, part])

    # The pool is of this call alone: one that is kept would have no threads in a forked process, and wait for them.
    own, *others = _parts(max(product.shape))
    with _ALONE, _openblas().limit(limits=1), ThreadPoolExecutor(max(1, len(others))) as pool:
        waiting = [pool.submit(multiply_part, part) for part in others]
        multiply_part(own)
        for each in waiting:
            each.result()
    return out


@cache
def has_slow_torch() -> bool:
    """Whether torch multiplies by MKL on a processor that is not Intel's."""
    mkl: bool = torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
    return mkl and not _is_intel()


@cache
def can_call_onednn() -> bool:
    """Whether oneDNN's products of dense matrices are there."""
    return has_onednn("_linear_pointwise")


@cache
def _has_openblas() -> bool:
    """Whether numpy multiplies by OpenBLAS."""
    built = np.show_config(mode="dicts")
    return "openblas" in str(built.get("Build Dependencies", {}).get("blas", {}).get("name", ""))


def _has_avx512() -> bool:
    """Whether torch, and so oneDNN, computes in vectors of 512 bits."""
    return torch.backends.cpu.get_cpu_capability() == "AVX512"


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
