"""Batches of views: images are read one step ahead, then made into the views that this process encodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from loocbench.data.prepared import DeviceImages, PreparedImages
from loocbench.models.preprocessing import default_preprocessing
from loocbench.pretraining import recipes
from loocbench.pretraining.layout import Layout, Rows, Share
from loocbench.types import ImageBatch, Recipe
from loocbench.views.view_maker import ViewMaker

Images = PreparedImages | DeviceImages


@dataclass(frozen=True)
class Batch:
    """A batch of views. indices: of the batch's images in the split. queries [b, 3, H, W] and keys [V - 1, b, 3, H, W]:
    the views of this process's share, normalised, on the device; overwritten by the next batch."""

    indices: Rows
    share: Share
    queries: Tensor
    keys: Tensor


class _Read(NamedTuple):
    """The images that a share of a batch needs, each once, on their way to the device. queries, keys: which of them
    become queries and which keys."""

    indices: Rows
    share: Share
    images: ImageBatch
    queries: Rows
    keys: Rows


class Batches:
    """Makes batches of a recipe's views. stylised: copies of the images in other textures, row for row."""

    def __init__(self, recipe: Recipe, images: Images, stylised: Images | None, device: torch.device) -> None:
        self._seed, self._device = recipe.seed, device
        self._images, self._stylised = images, stylised
        size = default_preprocessing(recipe.image_size)
        self._maker = ViewMaker(
            recipe.image_size, recipes.view_sources(recipe), recipe.texture, mean=size.mean, std=size.std
        )
        self._memory: dict[str, Tensor] = {}

    def iterate_epoch(self, epoch: int, batches: Sequence[Rows], layout: Layout) -> Iterator[Batch]:
        """The ``batches`` (indices of images) of ``epoch`` in turn, while the next one is read in the background."""
        if not batches:
            return
        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(self._read, batches[0], layout)
            for following in (*batches[1:], None):
                read = coming.result()
                if following is not None:
                    coming = reader.submit(self._read, following, layout)
                yield self._make(epoch, read)

    def _read(self, indices: Rows, layout: Layout) -> _Read:
        share = layout.share(len(indices))
        rows = share.query_rows if self._maker.count == 1 else np.union1d(share.query_rows, share.key_rows)
        queries, keys = (np.searchsorted(rows, wanted) for wanted in (share.query_rows, share.key_rows))
        return _Read(indices, share, self._images_at(indices[rows]), queries, keys)

    def _images_at(self, rows: Rows) -> ImageBatch:
        batch = self._images.batch(rows)
        copies = None if self._stylised is None else self._ready(self._stylised.batch(rows).pixels)
        return ImageBatch(self._ready(batch.pixels), batch.sizes, copies)

    def _ready(self, pixels: Tensor) -> Tensor:
        """In pinned memory if they go to a GPU, so that the copy need not be waited for."""
        return pixels.pin_memory() if self._device.type == "cuda" and not pixels.is_cuda else pixels

    def _make(self, epoch: int, read: _Read) -> Batch:
        """Queries of the share's query rows, keys of its key rows."""
        images, share = read.images, read.share
        pixels = images.pixels.to(self._device, non_blocking=True)
        copies = None if images.stylised is None else images.stylised.to(self._device, non_blocking=True)
        on_device = ImageBatch(pixels, images.sizes, copies)
        queries = self._views("queries", epoch, read.indices[share.query_rows], _at(on_device, read.queries), range(1))
        keys = self._views(
            "keys", epoch, read.indices[share.key_rows], _at(on_device, read.keys), range(1, self._maker.count)
        )
        return Batch(read.indices, share, queries[0], keys)

    def _views(self, name: str, epoch: int, indices: Rows, images: ImageBatch, views: range) -> Tensor:
        """Some views [len(views), b, 3, H, W] of the images."""
        if not views:  # supervised training has no keys
            return images.pixels.new_empty(0)
        drawn = self._maker.draw(self._seed, epoch, indices, images.sizes, views)
        made = self._maker.apply(images, drawn, out=self._memory.get(name))
        self._memory[name] = made
        return made


def _at(images: ImageBatch, rows: Rows) -> ImageBatch:
    """The images at ``rows``; the batch itself where those are all in order."""
    if np.array_equal(rows, np.arange(len(images.pixels))):
        return images
    index = torch.from_numpy(rows)
    rows_there = index.to(images.pixels.device, non_blocking=True)
    copies = None if images.stylised is None else images.stylised[rows_there]
    return ImageBatch(images.pixels[rows_there], images.sizes[index], copies)
