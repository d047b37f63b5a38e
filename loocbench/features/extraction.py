"""Features of a split, extracted once and cached under a key made of everything that determines them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from loocbench.cache import feature_files, pruning
from loocbench.cache.feature_files import Matrix
from loocbench.changes import applying
from loocbench.data import preparing
from loocbench.data.prepared import PreparedImages
from loocbench.data.streaming import StreamingImages
from loocbench.errors import SharedError, UserError
from loocbench.features import cache_keys, inference, transfers
from loocbench.features.cache_keys import Rows
from loocbench.features.encoder import Encoder
from loocbench.progress import Reporter
from loocbench.ranks import Ranks
from loocbench.types import UNCHANGED, Change, Dataset, Split

_ALONE = Ranks()


def extract(
    encoder: Encoder,
    dataset: Dataset,
    split: Split,
    *,
    change: Change = UNCHANGED,
    rows: Rows | None = None,
    cache: Path,
    reporter: Reporter,
    ranks: Ranks = _ALONE,
) -> dict[str, Matrix]:
    """Every space's features of a split: name -> float32 [N, D], memory-mapped, in the split's order.

    change: what is done to the square crops before the network. rows: int64 [N], only these images of the split.
    Raises UserError for features that are not finite.
    ranks: the processes that share the work: each takes whole batches, so that with equally many threads the file is
    that of one process, bit for bit. They share ``cache``.
    """
    if ranks.world > 1 and encoder.inference.compiled:
        raise SharedError("--compile works in one process; leave it out under torchrun.")
    place = cache / "features"
    change, rows = cache_keys.canonical(change, rows, len(split))
    if rows is not None and (
        whole := _kept(place, cache_keys.identity(encoder, dataset, split, change, None), encoder)
    ):
        with suppress(FileNotFoundError):  # cleared away this moment
            return {name: np.array(matrix[rows]) for name, matrix in feature_files.load(_file(place, whole)).items()}
    identity = cache_keys.identity(encoder, dataset, split, change, rows)

    def found() -> str | None:
        return _kept(place, identity, encoder)

    key = ranks.broadcast_from_main(found)
    made = key is None
    if key is None:
        base = cache_keys.key(identity, "")
        with ExitStack() as stack:
            if ranks.first:
                stack.enter_context(
                    feature_files.locked(place / f".{base}{feature_files.LOCK}", f"features, {split.name}", reporter)
                )
            key = ranks.broadcast_from_main(found)  # another process may have made it while we waited
            if key is None:
                part = place / f".{base}{feature_files.PART}"
                if ranks.first:
                    stack.callback(part.unlink, missing_ok=True)  # of a failed or stopped extraction nothing stays
                ranks.broadcast_from_main(lambda: feature_files.begin(part))
                key = cache_keys.key(
                    identity, _fill(part, encoder, dataset, split, change, rows, cache, reporter, ranks)
                )
                ranks.together()
                ranks.broadcast_from_main(lambda: feature_files.finish(part, _file(place, str(key))))
    try:
        every = feature_files.load(_file(place, key))
    except FileNotFoundError as error:  # cleared away this moment
        if ranks.world > 1:
            raise UserError("the features were cleared away at this moment; run the command again.") from error
        return extract(encoder, dataset, split, change=change, rows=rows, cache=cache, reporter=reporter)
    if made and ranks.first:
        pruning.bound(cache, reporter.info)
    return every


def _kept(place: Path, identity: dict[str, Any], encoder: Encoder) -> str | None:
    """The key of a finished entry that the encoder's engine may take."""
    key = cache_keys.key(identity, encoder.inference.numerics)
    return key if _file(place, key).is_file() else None


def _file(place: Path, key: str) -> Path:
    return place / f"{key}{feature_files.WHOLE}"


def _fill(
    part: Path,
    encoder: Encoder,
    dataset: Dataset,
    split: Split,
    change: Change,
    rows: Rows | None,
    cache: Path,
    reporter: Reporter,
    ranks: Ranks,
) -> str:
    """Write this process's share. Returns the numerics that were used."""
    wanted = np.arange(len(split)) if rows is None else rows
    if not part.is_file():
        raise UserError(f"the processes do not share {part.parent}; give all of them one --cache.")
    size = inference.default_batch_size(encoder)
    begins = range(0, len(wanted), size)
    mine = begins[len(begins) * ranks.rank // ranks.world : len(begins) * (ranks.rank + 1) // ranks.world]
    network = inference.InferenceNetwork(encoder, info=reporter.info)
    stage = f"features, {split.name}{cache_keys.described(change)}"
    count = 0
    source = _images(encoder, dataset, split, cache, reporter, ranks)

    def about(dims: dict[str, int]) -> dict[str, Any]:
        return cache_keys.about(encoder, dataset, split, change, rows, encoder.inference.numerics, dims)

    with feature_files.Writer(part, len(wanted), about) as writer, source as images:
        crops = _crops(images, [wanted[begin : begin + size] for begin in mine], encoder, change)
        for number, every in _computed(network, transfers.staged(crops, encoder.device), encoder.device):
            writer.write(mine[number], every)
            count += len(next(iter(every.values())))
            reporter.update(stage, count, min(len(mine) * size, len(wanted) - (mine[0] if mine else 0)))
    return encoder.inference.numerics


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
    encoder: Encoder, dataset: Dataset, split: Split, cache: Path, reporter: Reporter, ranks: Ranks
) -> StreamingImages | _There:
    short_side = encoder.preprocessing.resize
    if ranks.world == 1:
        return StreamingImages(dataset, split, short_side, cache=cache, reporter=reporter)
    return _There(
        ranks.first_then_others(lambda: preparing.prepare(dataset, split, short_side, cache=cache, reporter=reporter))
    )


def _crops(
    images: StreamingImages | _There, batches: Sequence[Rows], encoder: Encoder, change: Change
) -> Iterator[tuple[int, Tensor]]:
    """(number, uint8 [B, 3, S, S]) of each batch, as soon as its images are there."""
    for number, rows in enumerate(batches):
        crops = images.first(int(rows.max()) + 1).center_crops(rows, encoder.preprocessing.image_size)
        yield number, applying.apply_change(crops, change, rows.tolist())


def _computed(
    network: inference.InferenceNetwork, batches: Iterator[tuple[int, Tensor]], device: torch.device
) -> Iterator[tuple[int, dict[str, Matrix]]]:
    """(number, features on the CPU) of each batch."""
    for number, every in transfers.fetched(((number, network(crops)) for number, crops in batches), device):
        yield number, _finite({name: values.numpy() for name, values in every.items()})


def _finite(found: dict[str, Matrix]) -> dict[str, Matrix]:
    if not all(np.isfinite(values).all() for values in found.values()):
        raise UserError("the features hold NaN or infinity; is the checkpoint a finished, healthy run?")
    return found
