"""Features of a split, extracted once and cached under a key made of everything that determines them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loocbench.changes import applying
from loocbench.data import preparing
from loocbench.data.arriving import ArrivingImages
from loocbench.data.prepared import PreparedImages
from loocbench.errors import SharedError, UserError
from loocbench.features import bulk, keeping, keys, stored, transfers
from loocbench.features.encoder import Encoder
from loocbench.features.keys import Rows
from loocbench.features.stored import Matrix
from loocbench.ranks import Ranks
from loocbench.types import UNCHANGED, Change, Dataset, Split
from loocbench.watching import Watcher

_ALONE = Ranks()


def extract(
    encoder: Encoder,
    dataset: Dataset,
    split: Split,
    *,
    change: Change = UNCHANGED,
    rows: Rows | None = None,
    cache: Path,
    watcher: Watcher,
    ranks: Ranks = _ALONE,
) -> dict[str, Matrix]:
    """Every space's features of a split: name -> float32 [N, D], memory-mapped, in the split's order.

    change: what is done to the square crops before the network. rows: int64 [N], only these images of the split.
    Raises UserError for features that are not finite.
    ranks: the processes that share the work: each takes whole batches, so that with equally many threads the file is
    that of one process, bit for bit. They share ``cache``.
    """
    if ranks.world > 1 and encoder.engine.compile == "always":
        raise SharedError("--compile always works in one process; leave it at --compile auto under torchrun.")
    place = cache / "features"
    change, rows = keys.plainest(change, rows, len(split))
    if rows is not None and (whole := _kept(place, keys.identity(encoder, dataset, split, change, None), encoder)):
        with suppress(FileNotFoundError):  # cleared away this moment
            return {name: np.array(matrix[rows]) for name, matrix in stored.load(_file(place, whole)).items()}
    identity = keys.identity(encoder, dataset, split, change, rows)

    def found() -> str | None:
        return _kept(place, identity, encoder)

    key = ranks.first_decides(found)
    made = key is None
    if key is None:
        base = keys.key(identity, "")
        with ExitStack() as stack:
            if ranks.first:
                stack.enter_context(stored.locked(place / f".{base}{stored.LOCK}", f"features, {split.name}", watcher))
            key = ranks.first_decides(found)  # another process may have made it while we waited
            if key is None:
                part = place / f".{base}{stored.PART}"
                if ranks.first:
                    stack.callback(part.unlink, missing_ok=True)  # of a failed or stopped extraction nothing stays
                ranks.first_decides(lambda: stored.begin(part))
                key = keys.key(identity, _fill(part, encoder, dataset, split, change, rows, cache, watcher, ranks))
                ranks.together()
                ranks.first_decides(lambda: stored.finish(part, _file(place, str(key))))
    try:
        every = stored.load(_file(place, key))
    except FileNotFoundError as error:  # cleared away this moment
        if ranks.world > 1:
            raise UserError("the features were cleared away at this moment; run the command again.") from error
        return extract(encoder, dataset, split, change=change, rows=rows, cache=cache, watcher=watcher)
    if made and ranks.first:
        keeping.bound(cache, watcher.say)
    return every


def _kept(place: Path, identity: dict[str, Any], encoder: Encoder) -> str | None:
    """The key of a finished entry that the encoder's engine may take."""
    candidates = (keys.key(identity, name) for name in encoder.engine.names())
    return next((key for key in candidates if _file(place, key).is_file()), None)


def _file(place: Path, key: str) -> Path:
    return place / f"{key}{stored.WHOLE}"


def _fill(
    part: Path,
    encoder: Encoder,
    dataset: Dataset,
    split: Split,
    change: Change,
    rows: Rows | None,
    cache: Path,
    watcher: Watcher,
    ranks: Ranks,
) -> str:
    """Write this process's share. Returns the numerics that were used."""
    wanted = np.arange(len(split)) if rows is None else rows
    if not part.is_file():
        raise UserError(f"the processes do not share {part.parent}; give all of them one --cache.")
    size = bulk.batch_size(encoder)
    begins = range(0, len(wanted), size)
    mine = begins[len(begins) * ranks.rank // ranks.world : len(begins) * (ranks.rank + 1) // ranks.world]
    network = bulk.Bulk(encoder, images=len(mine) * size, say=watcher.say, may_compile=ranks.world == 1)
    stage = f"features, {split.name}{keys.described(change)}"
    count = 0
    source = _images(encoder, dataset, split, cache, watcher, ranks)

    def about(dims: dict[str, int]) -> dict[str, Any]:
        return keys.about(encoder, dataset, split, change, rows, network.name, dims)

    with stored.Writer(part, len(wanted), about) as writer, source as images:
        crops = _crops(images, [wanted[begin : begin + size] for begin in mine], encoder, change)
        for number, every in _computed(network, transfers.staged(crops, encoder.device), encoder.device):
            writer.write(mine[number], every)
            count += len(next(iter(every.values())))
            watcher.advance(stage, count, min(len(mine) * size, len(wanted) - (mine[0] if mine else 0)))
    return network.name


class _There:
    """Images that are all there, with the interface of those that arrive."""

    def __init__(self, images: PreparedImages) -> None:
        self._images = images

    def __enter__(self) -> _There:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing."""

    def first(self, count: int) -> PreparedImages:
        """The store."""
        return self._images


def _images(
    encoder: Encoder, dataset: Dataset, split: Split, cache: Path, watcher: Watcher, ranks: Ranks
) -> ArrivingImages | _There:
    short_side = encoder.preprocessing.resize
    if ranks.world == 1:
        return ArrivingImages(dataset, split, short_side, cache=cache, watcher=watcher)
    return _There(
        ranks.first_then_others(lambda: preparing.prepare(dataset, split, short_side, cache=cache, watcher=watcher))
    )


def _crops(
    images: ArrivingImages | _There, batches: Sequence[Rows], encoder: Encoder, change: Change
) -> Iterator[tuple[int, Tensor]]:
    """(number, uint8 [B, 3, S, S]) of each batch, as soon as its images are there."""
    for number, rows in enumerate(batches):
        crops = images.first(int(rows.max()) + 1).center_crops(rows, encoder.preprocessing.image_size)
        yield number, applying.apply(crops, change, rows.tolist())


def _computed(
    network: bulk.Bulk, batches: Iterator[tuple[int, Tensor]], device: torch.device
) -> Iterator[tuple[int, dict[str, Matrix]]]:
    """(number, features on the CPU) of each batch."""
    for number, every in transfers.fetched(((number, network(crops)) for number, crops in batches), device):
        yield number, _finite({name: values.numpy() for name, values in every.items()})


def _finite(found: dict[str, Matrix]) -> dict[str, Matrix]:
    if not all(np.isfinite(values).all() for values in found.values()):
        raise UserError("the features hold NaN or infinity; is the checkpoint a finished, healthy run?")
    return found
