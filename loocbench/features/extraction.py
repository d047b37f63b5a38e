"""Features of a split, computed once and cached under a key made of everything that determines them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext, suppress
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from loocbench.cache import feature_files, integrity, layout, locks, pruning
from loocbench.cache.feature_files import Matrix
from loocbench.changes import applying
from loocbench.data import preparing
from loocbench.data.prepared import PreparedImages
from loocbench.data.streaming import StreamingImages
from loocbench.errors import SharedError, UserError
from loocbench.features import cache_keys, inference, transfers
from loocbench.features.cache_keys import Rows
from loocbench.features.encoder import Encoder
from loocbench.files import DamagedFileError
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

    change: applied to the square crops before the network. rows: int64 [N], only these images of the split. ranks: the
    processes that share the work and ``cache``: each takes whole batches, so that with equally many threads the file is
    that of one process, bit for bit.
    Raises UserError for features that are not finite, and for a compiled encoder in several processes.
    """
    if ranks.world > 1 and encoder.inference.compiled:
        raise SharedError("--compile works in one process; leave it out under torchrun.")
    change, rows = cache_keys.canonical(change, rows, len(split))
    if rows is not None:
        whole = _Extraction(encoder, dataset, split, change, None, cache, reporter, ranks)
        with suppress(FileNotFoundError, DamagedFileError):
            return {name: np.array(matrix[rows]) for name, matrix in feature_files.load_features(whole.path).items()}
    extraction = _Extraction(encoder, dataset, split, change, rows, cache, reporter, ranks)
    while True:
        computed = extraction.compute_unless_cached()
        try:
            features = feature_files.load_features(extraction.path)
        except FileNotFoundError as error:  # pruned this moment
            if ranks.world > 1:
                raise UserError("the features were pruned at this moment; run the command again.") from error
            continue
        if computed and ranks.first:
            pruning.enforce_size_limit(cache, reporter.info)
        return features


class _Extraction:
    """The features of one split, in one file. Arguments as in :func:`extract`, change and rows in canonical form."""

    def __init__(
        self,
        encoder: Encoder,
        dataset: Dataset,
        split: Split,
        change: Change,
        rows: Rows | None,
        cache: Path,
        reporter: Reporter,
        ranks: Ranks,
    ) -> None:
        self.encoder, self.dataset, self.split, self.change, self.rows = encoder, dataset, split, change, rows
        self.cache, self.reporter, self.ranks = cache, reporter, ranks
        key = cache_keys.features_key(encoder, dataset, split, change, rows)
        self.path = layout.entry_path(cache, "features", key)

    def compute_unless_cached(self) -> bool:
        """Make sure that the file is there and whole. Returns whether it was computed now."""
        if self.ranks.broadcast_from_main(self._is_there):
            return False
        part = layout.part_path(self.path)
        with ExitStack() as stack:
            if self.ranks.first:
                activity = f"computes features of {self.dataset.name}, {self.split.name}"
                stack.enter_context(locks.locked(layout.lock_path(self.path), activity, self.reporter))
            if self.ranks.broadcast_from_main(self._is_there):  # another process computed it while we waited
                return False
            if self.ranks.first:
                stack.callback(part.unlink, missing_ok=True)  # of a failed or stopped extraction nothing stays
            self.ranks.broadcast_from_main(lambda: feature_files.create_file(part))
            self.write_share(part)
            self.ranks.together()
            self.ranks.broadcast_from_main(lambda: feature_files.publish_file(part, self.path))
        return True

    def _is_there(self) -> bool:
        return integrity.is_there(self.path, self.reporter)

    def write_share(self, part: Path) -> None:
        """Compute this process's batches and write them to their place in ``part``."""
        if not part.is_file():
            raise UserError(f"the processes do not share {part.parent}; give all of them one --cache.")
        rows = np.arange(len(self.split)) if self.rows is None else self.rows
        size, rank, world = inference.default_batch_size(self.encoder), self.ranks.rank, self.ranks.world
        begins = range(0, len(rows), size)
        begins = begins[len(begins) * rank // world : len(begins) * (rank + 1) // world]
        total = sum(len(rows[begin : begin + size]) for begin in begins)
        stage = ", ".join(filter(None, ["features", self.split.name, cache_keys.format_change(self.change)]))
        done = 0
        network = inference.InferenceNetwork(self.encoder, info=self.reporter.info)
        writer = feature_files.FeatureWriter(part, len(rows), self._describe)
        with writer, self._open_images() as images:
            crops = self._load_crops(images, [rows[begin : begin + size] for begin in begins])
            for number, features in _compute_features(network, crops, self.encoder.device):
                writer.write(begins[number], features)
                done += len(next(iter(features.values())))
                self.reporter.update(stage, done, total)

    def _describe(self, dims: dict[str, int]) -> dict[str, object]:
        return cache_keys.describe_features(self.encoder, self.dataset, self.split, self.change, self.rows, dims)

    def _open_images(self) -> StreamingImages | nullcontext[PreparedImages]:
        """The prepared images; one process computes features of the first ones while the others are decoded."""
        dataset, split, cache, reporter = self.dataset, self.split, self.cache, self.reporter
        short_side, how = self.encoder.preprocessing.resize, self.encoder.preprocessing.interpolation
        if self.ranks.world == 1:
            return StreamingImages(dataset, split, short_side, cache=cache, reporter=reporter, interpolation=how)

        def prepare() -> PreparedImages:
            return preparing.prepare(dataset, split, short_side, cache=cache, reporter=reporter, interpolation=how)

        return nullcontext(self.ranks.first_then_others(prepare))

    def _load_crops(
        self, images: StreamingImages | PreparedImages, batches: Sequence[Rows]
    ) -> Iterator[tuple[int, Tensor]]:
        """(number, changed crops uint8 [B, 3, S, S]) of each batch, as soon as its images are decoded."""
        for number, rows in enumerate(batches):
            decoded = images.first(int(rows.max()) + 1) if isinstance(images, StreamingImages) else images
            crops = decoded.center_crops(rows, self.encoder.preprocessing.image_size)
            yield number, applying.apply_change(crops, self.change, rows.tolist())


def _compute_features(
    network: inference.InferenceNetwork, batches: Iterator[tuple[int, Tensor]], device: torch.device
) -> Iterator[tuple[int, dict[str, Matrix]]]:
    """(number, features on the CPU) of each batch. Raises UserError for features that are not finite."""
    on_device = ((number, network(crops)) for number, crops in transfers.to_device(batches, device))
    for number, features in transfers.to_cpu(on_device, device):
        arrays = {name: values.numpy() for name, values in features.items()}
        if not all(np.isfinite(values).all() for values in arrays.values()):
            raise UserError("the features hold NaN or infinity; is the checkpoint a finished, healthy run?")
        yield number, arrays
