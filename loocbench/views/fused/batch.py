"""All views of a batch by the compiled pass, over several threads."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from loocbench.types import ImageBatch
from loocbench.views.augmentations.blur import kernel_radius
from loocbench.views.fused.plan import Plan
from loocbench.views.fused.rendering import render

_LEAST = 2**16  # pixels of views that are worth a thread of their own: some 0.5 ms


def make_views(batch: ImageBatch, plan: Plan, mean: Sequence[float], std: Sequence[float], out: Tensor) -> None:
    """Write views to out, float32 [V, B, 3, S, S], contiguous: (x - mean) / std of x in [0, 1].

    batch: uint8 pixels on the CPU; fastest with channels last in memory, as the cache's images are. As many threads
    as torch uses share the views; each view is computed as if it were alone. Raises ValueError for a crop that is not
    within its batch, and for stylised copies that are missing or of another size.
    """
    _require_inside(plan, batch)
    pixels = _as_rows(batch.pixels)
    copies = pixels if batch.stylised is None else _as_rows(batch.stylised)
    count, size = out.shape[0] * out.shape[1], out.shape[-1]
    threads = max(1, min(torch.get_num_threads(), count, count * size**2 // _LEAST))
    bounds = [count * part // threads for part in range(threads + 1)]
    render_some = partial(
        render,
        pixels,
        copies,
        plan,
        kernel_radius(size),
        np.array(mean, np.float32),
        1 / np.array(std, np.float32),
        out.numpy(),
    )
    with ThreadPoolExecutor(threads) as pool:  # its threads start when there is work for them
        others = [pool.submit(render_some, *pair) for pair in itertools.pairwise(bounds[1:])]
        render_some(bounds[0], bounds[1])
        for other in others:
            other.result()


def _as_rows(pixels: Tensor) -> npt.NDArray[np.uint8]:
    """[B, 3, H, W] as [B, H, 3 W]: red, green and blue of a pixel in turn."""
    count, _, height, width = pixels.shape
    rows: npt.NDArray[np.uint8] = pixels.permute(0, 2, 3, 1).contiguous().numpy().reshape(count, height, 3 * width)
    return rows


def _require_inside(plan: Plan, batch: ImageBatch) -> None:
    """Compiled code reads whatever a plan says: raise ValueError for a crop that is empty or leaves its image."""
    height, width = batch.pixels.shape[2:]
    top, left, rows, columns = np.moveaxis(plan.box, -1, 0)
    inside = (top >= 0) & (left >= 0) & (rows > 0) & (columns > 0) & (top + rows <= height) & (left + columns <= width)
    if not inside.all():
        raise ValueError(f"a crop leaves the batch of {height} x {width} pixels")
    if plan.stylised.any() and (batch.stylised is None or batch.stylised.shape != batch.pixels.shape):
        raise ValueError("stylised views need the batch's stylised copies, padded as the images are")
