"""Signs of learning, measured after each epoch on a few training images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from loocbench.exact_float32 import exact_float32
from loocbench.models.network import Network
from loocbench.models.preprocessing import default_preprocessing
from loocbench.pretraining import recipes
from loocbench.pretraining.batches import Images
from loocbench.pretraining.layout import Rows
from loocbench.pretraining.learning_signs import Signs, compute_signs
from loocbench.pretraining.methods.method import all_augmentations
from loocbench.types import ImageBatch, Recipe
from loocbench.views.augmentations.augmentation import Parameters
from loocbench.views.leave_one_out import KEY, one_shared_sources
from loocbench.views.view_maker import ViewMaker

_FEWEST, _MOST, _PART = 64, 256, 1 / 48  # images: 1 in 48 costs about 1 % of an epoch
_EPOCH = 2**32 - 1  # of the views' random numbers; no training reaches it
_GROUP = 16  # images that are encoded at once, with all of their views
_KEPT = 100e6  # bytes; views that need no more are made once


class SignsMonitor:
    """Measures a network's signs of learning on evenly spaced images, in the same views after every epoch.

    The query encoder is in evaluation mode and in float32, since that is how its checkpoint is used. stylised: copies
    of the images in other textures, row for row, where the recipe uses them.
    """

    def __init__(self, recipe: Recipe, images: Images, stylised: Images | None, device: torch.device) -> None:
        self._images, self._stylised, self._device = images, stylised, device
        self._spaces = recipes.spaces(recipe)
        count = min(len(images), max(_FEWEST, min(_MOST, round(_PART * len(images)))))
        rows = np.unique(np.linspace(0, len(images) - 1, count).round().astype(np.int64))
        # Not crop, flip and blur: each augmentation costs a view. Supervised training has no embedding spaces.
        self._augmentations = recipe.augmentations if self._spaces else ()
        sources = one_shared_sources(all_augmentations(recipe), self._augmentations)
        size = default_preprocessing(recipe.image_size)
        self._maker = ViewMaker(recipe.image_size, sources, recipe.texture, mean=size.mean, std=size.std)
        self._groups = [self._draw(recipe.seed, rows[begin : begin + _GROUP]) for begin in range(0, len(rows), _GROUP)]
        small = len(rows) * self._maker.count * 3 * recipe.image_size**2 * 4 <= _KEPT
        self._kept = list(self._make_views()) if small else None

    @exact_float32()
    def measure(self, network: Network) -> Signs:
        """The network's signs. Neither its state nor any random generator is changed."""
        was_training = network.training
        network.eval()
        encoded = [self._encode(network, views) for views in self._kept or self._make_views()]
        network.train(was_training)
        embeddings, features, changed = (torch.cat(parts, dim=-2).cpu() for parts in zip(*encoded, strict=True))
        return compute_signs(self._spaces, self._augmentations, embeddings, changed[..., 0], features.flatten(0, 1))

    @torch.no_grad()
    def _encode(self, network: Network, views: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of a group of b images: the embeddings [V, S, b, D] of all views, the pooled features [2, b, F] of every last
        stage of q and k_0, and whether each further view differs from k_0 in a pixel, bool [V - 2, b, 1]."""
        count, images = views.shape[:2]
        pooled = network.features(views.flatten(0, 1))
        features = torch.cat(list(pooled.values()), dim=1).reshape(count, images, -1)
        projected = network.project(pooled) if self._spaces else features.new_empty(0, count * images, 0)
        embeddings = projected.reshape(len(self._spaces), count, images, projected.shape[-1]).transpose(0, 1)
        changed = (views[KEY + 1 :] != views[KEY]).flatten(2).any(dim=2, keepdim=True)
        return embeddings, features[: KEY + 1], changed

    def _draw(self, seed: int, rows: Rows) -> tuple[Rows, list[dict[str, Parameters]]]:
        """The images at ``rows`` and their views' parameters."""
        return rows, self._maker.draw(seed, _EPOCH, rows, self._images.batch(rows).sizes)

    def _make_views(self) -> Iterator[Tensor]:
        """The views [V, b, 3, H, W] of the images, group after group."""
        for rows, drawn in self._groups:
            batch = self._images.batch(rows)
            copies = None if self._stylised is None else self._stylised.batch(rows).pixels.to(self._device)
            images = ImageBatch(batch.pixels.to(self._device), batch.sizes, copies)
            yield self._maker.apply(images, drawn)
