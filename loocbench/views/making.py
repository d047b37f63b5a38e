"""From a batch of images to their views: draw all parameters, then apply them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loocbench import philox
from loocbench.types import ImageBatch
from loocbench.views.augmentations import Augmentation, Parameters, augmentations
from loocbench.views.leave_one_out import Sources

ALWAYS = ("crop", "flip", "blur")  # drawn anew for every view; no space of their own


@dataclass(frozen=True)
class ViewMaker:
    """Makes the views of a recipe.

    sources: for each active augmentation, which view's draw each view uses (see ``leave_one_out``). texture: how
    texture is randomised, where it is.
    """

    image_size: int
    sources: Sources
    texture: str = ""

    @property
    def _active(self) -> list[Augmentation]:
        return [a for a in augmentations(self.image_size, self.texture) if a.name in self.sources]

    @property
    def count(self) -> int:
        """How many views an image has, the query included."""
        return len(next(iter(self.sources.values())))

    def draw(
        self, seed: int, epoch: int, indices: Sequence[int] | np.ndarray, sizes: Tensor
    ) -> list[dict[str, Parameters]]:
        """Parameters of every view: a list over views of augmentation -> parameters of the B images.

        A row depends on (seed, epoch, image index, view, image size) alone. indices: the images' positions in their
        split [B]; sizes: int64 [B, 2].
        """
        shape = sizes.cpu().numpy()
        drawn: dict[tuple[str, int], Parameters] = {}
        for augmentation in self._active:
            for view in set(self.sources[augmentation.name]):
                u = philox.uniforms(
                    seed, indices, major=epoch, minor=view << 8 | augmentation.stream, count=augmentation.uniforms
                )
                drawn[augmentation.name, view] = augmentation.draw(u, shape)
        return [
            {name: drawn[name, source[view]] for name, source in self.sources.items()} for view in range(self.count)
        ]

    def apply(self, batch: ImageBatch, parameters: Sequence[dict[str, Parameters]]) -> Tensor:
        """The views, float [V, B, 3, image_size, image_size] in [0, 1], on the batch's device.

        Where a view's texture is the stylised one, it is made of the batch's stylised copy.
        """
        device = batch.pixels.device
        pixels = batch.pixels.float() / 255
        views = []
        for view in parameters:
            images = self._source(batch, pixels, view)
            for augmentation in self._active:
                moved = {name: value.to(device) for name, value in view[augmentation.name].items()}
                images = augmentation.apply(images, moved)
            views.append(images)
        return torch.stack(views)

    def _source(self, batch: ImageBatch, pixels: Tensor, view: dict[str, Parameters]) -> Tensor:
        """The images that a view is made of, float [B, 3, H, W] in [0, 1]."""
        if self.texture != "stylised" or batch.stylised is None or "texture" not in view:
            return pixels
        chosen = view["texture"]["stylised"].to(pixels.device)[:, None, None, None]
        return torch.where(chosen, batch.stylised.float() / 255, pixels)
