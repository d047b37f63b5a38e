"""From a batch of images to their views: draw all parameters, then apply them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loocbench import philox
from loocbench.types import ImageBatch
from loocbench.views.augmentations import select_augmentations
from loocbench.views.augmentations.augmentation import Augmentation, Context, Parameters
from loocbench.views.fused.plan import is_fused, make_plan
from loocbench.views.leave_one_out import Sources

_LARGE, _IN_CACHE = 2**14, 2**18  # pixels: of a view that is worth a CPU's while alone, of a group of smaller ones


@dataclass(frozen=True)
class ViewMaker:
    """Makes the views of a recipe.

    sources: for each active augmentation, which view's draw each view uses (see ``leave_one_out``). texture: the
    variant of that augmentation ("random-convolution", "stylised"), where it is active. mean, std: views are normalised
    by them, channel by channel.
    """

    image_size: int
    sources: Sources
    texture: str = ""
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def _active(self) -> list[Augmentation]:
        return select_augmentations(self.sources, self.texture)

    @property
    def count(self) -> int:
        """How many views an image has, the query included."""
        return len(next(iter(self.sources.values())))

    def draw(
        self, seed: int, epoch: int, indices: Sequence[int] | np.ndarray, sizes: Tensor, views: range | None = None
    ) -> list[dict[str, Parameters]]:
        """Parameters of ``views``, or of every view: a list over views of augmentation -> parameters of the B images.

        A row depends on (seed, epoch, image index, view, image size) alone. indices: the images' positions in their
        split [B]; sizes: int64 [B, 2].
        """
        wanted = range(self.count) if views is None else views
        shape = sizes.cpu().numpy()
        chosen = [(one, sorted({self.sources[one.name][view] for view in wanted})) for one in self._active]
        streams = [(view << 8 | one.stream, one.uniforms) for one, own in chosen for view in own]
        # All views at once: many small steps of numpy would take longer than making the views.
        uniforms = iter(philox.uniforms_of_streams(seed, indices, major=epoch, streams=streams))
        drawn: dict[tuple[str, int], Parameters] = {}
        for augmentation, own in chosen:
            u = np.concatenate([next(uniforms) for _ in own])
            values = augmentation.draw(u, np.tile(shape, (len(own), 1)))
            for number, view in enumerate(own):
                rows = slice(number * len(shape), (number + 1) * len(shape))
                drawn[augmentation.name, view] = {name: torch.from_numpy(one[rows]) for name, one in values.items()}
        return [{name: drawn[name, source[view]] for name, source in self.sources.items()} for view in wanted]

    def apply(
        self, batch: ImageBatch, parameters: Sequence[dict[str, Parameters]], out: Tensor | None = None
    ) -> Tensor:
        """The views, float [V, B, 3, image_size, image_size], each (x - mean) / std of x in [0, 1], on the batch's
        device.

        On a CPU the augmentations that ``views.fused`` knows are one compiled pass over an image's bytes, without
        rounding in between; it is compiled when it is first used on a machine, for some ten seconds. Any other
        augmentation, random convolutions among them, makes torch apply all of them. A GPU takes the batch at once.
        out: an earlier result to overwrite if it has the shape, which spares a CPU new memory.
        """
        count, device, size = len(batch.pixels), batch.pixels.device, self.image_size
        shape = (len(parameters), count, 3, size, size)
        views = torch.empty(shape, device=device) if out is None or out.shape != shape else out
        if self._fusible(batch) and parameters and views.is_contiguous():
            from loocbench.views.fused.batch import make_views  # importing numba takes a while

            make_views(batch, make_plan(parameters, size), self.mean, self.std, views)
            return views
        return self._apply_by_torch(batch, parameters, views)

    def _fusible(self, batch: ImageBatch) -> bool:
        """Whether the compiled pass can make views of this batch."""
        on_cpu, is_bytes = batch.pixels.device.type == "cpu", batch.pixels.dtype == torch.uint8
        return on_cpu and is_bytes and len(batch.pixels) > 0 and is_fused(self._active)

    def _apply_by_torch(self, batch: ImageBatch, parameters: Sequence[dict[str, Parameters]], views: Tensor) -> Tensor:
        """As ``apply``, by torch: on a GPU, and the compiled pass's reference.

        On a CPU few images at a time go through all augmentations, so that they stay in its cache; crops are rounded
        to 8 bits, as Pillow's.
        """
        count, device, size = len(batch.pixels), batch.pixels.device, self.image_size
        mean = torch.tensor(self.mean, device=device)[:, None, None]
        scale = 1 / torch.tensor(self.std, device=device)[:, None, None]
        at_once = count if device.type != "cpu" else 1 if size**2 >= _LARGE else _IN_CACHE // size**2
        with torch.no_grad():
            for number, view in enumerate(parameters):
                for begin in range(0, count, at_once):
                    rows = slice(begin, begin + at_once)
                    images = self._one_view(batch, rows, {name: _rows(value, rows) for name, value in view.items()})
                    torch.mul(images - mean, scale, out=views[number, rows])
        return views

    def _one_view(self, batch: ImageBatch, rows: slice, view: dict[str, Parameters]) -> Tensor:
        """One view of some images, float [B, 3, image_size, image_size] in [0, 1]."""
        images = batch.pixels[rows]
        context = Context(self.image_size, None if batch.stylised is None else batch.stylised[rows])
        for augmentation in self._active:
            if not augmentation.takes_bytes:
                images = _floats(images)
            images = augmentation.apply(images, view[augmentation.name], context)
        return _floats(images)


def _floats(images: Tensor) -> Tensor:
    return images if images.is_floating_point() else images.float() / 255


def _rows(parameters: Parameters, rows: slice) -> Parameters:
    return {name: value[rows] for name, value in parameters.items()}
