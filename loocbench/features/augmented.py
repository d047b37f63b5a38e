"""Features of augmented images, computed anew in every epoch: for probes that are trained with augmentation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from loocbench import philox
from loocbench.data.prepared import PreparedImages
from loocbench.features import inference
from loocbench.features.encoder import Encoder
from loocbench.types import ImageBatch
from loocbench.views import geometry
from loocbench.views.augmentations.crop import UNIFORMS, draw_crop
from loocbench.views.augmentations.flip import draw_flip

# Smallest crop, as a part of the image: torchvision's default, as in MoCo's linear evaluation (LooC does not say).
_MIN_AREA = 0.08
_CROP, _FLIP, _ORDER = 0, 1, 2  # streams of random numbers


def iterate_epoch(
    encoder: Encoder,
    parts: Sequence[PreparedImages],
    features: str,
    *,
    seed: int,
    epoch: int,
    batch_size: int,
    info: Callable[[str], None],
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields batches (rows int64 [B], features float32 [B, D]) of all images of some splits, each image once.

    parts: the splits' images. rows: indices into the concatenated splits. Images are cropped at random to the network's
    resolution and mirrored with p 0.5. Order, crop and mirroring are a pure function of (seed, epoch, row).
    """
    size = encoder.preprocessing.image_size
    starts = np.cumsum([0, *map(len, parts)])
    order = philox.uniforms(seed, np.arange(starts[-1]), major=epoch, minor=_ORDER, count=1)[:, 0].argsort()
    draw = partial(philox.uniforms, seed, major=epoch)
    network = inference.InferenceNetwork(encoder, info=info, batch_size=batch_size, may_compile=False)
    spaces = encoder.parse(features)
    for begin in range(0, len(order), batch_size):
        rows = order[begin : begin + batch_size]
        part_of_row = np.searchsorted(starts, rows, side="right") - 1
        pixels = torch.empty(len(rows), 3, size, size)
        for number, part in enumerate(parts):
            here = np.flatnonzero(part_of_row == number)
            if len(here):
                pixels[torch.from_numpy(here)] = _crop(part.batch(rows[here] - starts[number]), rows[here], draw, size)
        all_features = network(pixels)
        yield torch.from_numpy(rows).to(encoder.device), torch.cat([all_features[space] for space in spaces], dim=1)


def _crop(batch: ImageBatch, rows: np.ndarray, draw: partial[np.ndarray], size: int) -> Tensor:
    """The images at ``rows``, cropped and mirrored: float [B, 3, size, size] in [0, 1]."""
    sizes = batch.sizes.numpy()
    crop, flip = draw(rows, minor=_CROP, count=UNIFORMS), draw(rows, minor=_FLIP, count=1)
    box = torch.from_numpy(draw_crop(crop, sizes, smallest=_MIN_AREA)["box"])
    mirrored = torch.from_numpy(draw_flip(flip, sizes)["flip"])
    return geometry.flip(geometry.crop_resize(batch.pixels, box, size), mirrored)
