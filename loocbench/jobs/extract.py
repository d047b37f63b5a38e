"""Extract the features of a data set's splits for later commands, in one process or several."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loocbench.errors import unknown
from loocbench.features import extraction
from loocbench.features.encoder import Encoder
from loocbench.progress import Reporter
from loocbench.ranks import Ranks
from loocbench.types import Dataset


@dataclass(frozen=True)
class ExtractedSplit:
    """The features of one split. spaces: widths by name. file: the safetensors file that holds them."""

    split: str
    images: int
    spaces: dict[str, int]
    file: str
    seconds: float


def extract_splits(
    encoder: Encoder,
    dataset: Dataset,
    splits: Sequence[str],
    *,
    cache: Path,
    reporter: Reporter,
    ranks: Ranks,
) -> list[ExtractedSplit]:
    """Extract the features of some splits (default: all) into the cache. Raises UserError for an unknown split."""
    for name in splits:
        if name not in dataset.splits:
            raise unknown(f"split of {dataset.name}", name, list(dataset.splits))
    extracted = []
    for name in splits or list(dataset.splits):
        begin = time.perf_counter()
        split = dataset.splits[name]
        features = extraction.extract(encoder, dataset, split, cache=cache, reporter=reporter, ranks=ranks)
        extracted.append(
            ExtractedSplit(
                name,
                len(split),
                {space: matrix.shape[1] for space, matrix in features.items()},
                str(getattr(next(iter(features.values())), "filename", "")),  # np.memmap's
                round(time.perf_counter() - begin, 3),
            )
        )
    return extracted
