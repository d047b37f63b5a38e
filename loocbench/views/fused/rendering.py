"""The compiled pass: views of a batch, one after the other, each from bytes to normalised values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loocbench.views.fused.blur import blur_plane, fill_kernel, make_memory
from loocbench.views.fused.color import CONTRAST, add_luma, change_color, make_gray
from loocbench.views.fused.compiling import inlined, kept, source_hash
from loocbench.views.fused.plan import Plan
from loocbench.views.fused.resampling import blend_columns, blend_rows, fill_weights, most_taps, transpose_crop

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_BLOCK = 2**11  # pixels worked on at a time: their three channels stay in a processor's first cache


def _build(version: str) -> Callable[..., None]:
    """The pass, compiled; ``version`` makes numba compile it anew where any source of this folder changed."""

    def render(
        pixels: Bytes,
        copies: Bytes,
        plan: Plan,
        radius: int,
        mean: Floats,
        scale: Floats,
        out: Floats,
        begin: int,
        end: int,
    ) -> None:
        """Write the views number ``begin`` to ``end`` of out [V, B, 3, S, S], counted view after view.

        pixels, copies: uint8 [B, H, 3 W], red, green and blue in turn. radius: of the blur's kernel. A view is
        (x - mean) * scale of x in [0, 1], channel by channel. All memory that is worked in belongs to one image, and
        stays in the processor's cache.
        """
        _ = version
        count, size = out.shape[1], out.shape[3]
        height, width = pixels.shape[1], pixels.shape[2] // 3
        turned = np.empty((width, 3 * height), np.uint8)
        longest = max(height, width)
        pixel_row = np.zeros(3 * longest + 3, np.float32)
        first_row, first_column = np.empty(size, np.int64), np.empty(size, np.int64)
        row_weights = np.empty((size, most_taps(longest, size)), np.float32)
        column_weights = np.empty((size, most_taps(longest, size)), np.float32)
        block = size * max(_BLOCK // size, 1)  # whole rows
        planes, luma_sums = np.empty((3, size * size), np.float32), np.empty(block, np.float32)
        by_row = planes.reshape(3, size, size)
        memory = make_memory(size, radius, block // size)
        for number in range(begin, end):
            view, row = number // count, number % count
            image = copies[row] if plan.stylised[view, row] else pixels[row]
            top, left, rows, columns = plan.box[view, row]
            flip, turns = plan.flip[view, row], plan.turns[view, row]
            if turns % 2:
                transpose_crop(image, top, left, rows, columns, turned)
                image, top, left, rows, columns = turned, 0, 0, columns, rows
            # Anticlockwise turns: 1 transposes and mirrors the rows, 3 the columns, 2 mirrors both; a flip before an
            # odd turn mirrors rows.
            rows_mirrored = turns == 2 or (turns == 1) != (turns % 2 == 1 and flip)
            columns_mirrored = turns == 3 or (turns == 2) != (turns % 2 == 0 and flip)
            row_taps = fill_weights(rows, rows_mirrored, 1 / 255, first_row, row_weights)
            column_taps = fill_weights(columns, columns_mirrored, 1.0, first_column, column_weights)
            order, factors = plan.order[view, row], plan.factors[view, row]
            if not plan.jitter[view, row]:
                order = order[:0]
            contrast_at = _position(order, CONTRAST)

            luma_sums[:] = 0
            for start in range(0, size * size, block):
                stop = min(start + block, size * size)
                for y in range(start // size, stop // size):
                    blend_rows(image, top + first_row[y], row_taps, row_weights[y], left, columns, pixel_row)
                    blend_columns(pixel_row, first_column, column_taps, column_weights, by_row, y)
                red, green, blue = planes[0, start:stop], planes[1, start:stop], planes[2, start:stop]
                change_color(red, green, blue, order[:contrast_at], factors, np.float32(0))
                if contrast_at < len(order):
                    add_luma(red, green, blue, luma_sums)
            luma = np.float32(luma_sums.sum() / (size * size))

            view_out = out[view, row].reshape(3, size * size)
            blurred = plan.sigma[view, row] > 0
            for start in range(0, size * size, block):
                stop = min(start + block, size * size)
                red, green, blue = planes[0, start:stop], planes[1, start:stop], planes[2, start:stop]
                change_color(red, green, blue, order[contrast_at:], factors, luma)
                if plan.gray[view, row]:
                    make_gray(red, green, blue)
                if not blurred:
                    for channel in range(3):
                        part, target = planes[channel, start:stop], view_out[channel, start:stop]
                        _normalise(part, mean[channel], scale[channel], target)
            if blurred:
                reach = fill_kernel(plan.sigma[view, row], radius, memory.kernel)
                for channel in range(3):
                    blur_plane(by_row[channel], reach, memory, out[view, row, channel])
                    _normalise(view_out[channel], mean[channel], scale[channel], view_out[channel])

    return kept(render)


@inlined
def _position(order: Integers, wanted: int) -> int:
    """Where ``wanted`` is in ``order``; its length if it is not there."""
    for place in range(len(order)):
        if order[place] == wanted:
            return place
    return len(order)


@inlined
def _normalise(values: Floats, mean: np.float32, scale: np.float32, out: Floats) -> None:
    for x in range(len(out)):
        out[x] = (values[x] - mean) * scale


render = _build(source_hash(Path(__file__).parent))
