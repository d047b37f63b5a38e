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
        shape = sizes.cpu().numpy()
        wanted = range(self.count) if views is None else views
        drawn: dict[tuple[str, int], Parameters] = {}
        for augmentation in self._active:
            for view in {self.sources[augmentation.name][view] for view in wanted}:
                u = philox.uniforms(
                    seed, indices, major=epoch, minor=view << 8 | augmentation.stream, count=augmentation.uniforms
                )
                values = augmentation.draw(u, shape)
                drawn[augmentation.name, view] = {name: torch.from_numpy(value) for name, value in values.items()}
        return [{name: drawn[name, source[view]] for name, source in self.sources.items()} for view in wanted]

    def apply(
        self, batch: ImageBatch, parameters: Sequence[dict[str, Parameters]], out: Tensor | None = None
    ) -> Tensor:
        """The views, float [V, B, 3, image_size, image_size], each (x - mean) / std of x in [0, 1], on the batch's
        device.

        A GPU takes the batch at once. On a CPU few images at a time go through all augmentations, so that they stay in
        its cache. out: an earlier result to overwrite if it has the shape, which spares a CPU new memory.
        """
        count, device, size = len(batch.pixels), batch.pixels.device, self.image_size
        views = torch.empty(0) if out is None else out
        if views.shape != (len(parameters), count, 3, size, size):
            views = torch.empty(len(parameters), count, 3, size, size, device=device)
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
