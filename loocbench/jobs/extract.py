"""Extract the features of a data set's splits for later commands, in one process or several."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loocbench import provenance
from loocbench.cache.feature_files import Matrix
from loocbench.errors import unknown
from loocbench.exports.feature_table import FeatureTable, make_table
from loocbench.features import extraction
from loocbench.features.encoder import Encoder
from loocbench.models.spaces import GENERAL, HEAD, LOOC
from loocbench.pretraining.labels import model_label
from loocbench.progress import Reporter
from loocbench.ranks import Ranks
from loocbench.types import Dataset


@dataclass(frozen=True)
class ExtractedSplit:
    """The features of one split. spaces: widths by name. file: the safetensors file that holds them. features: by the
    cache's names, memory-mapped."""

    split: str
    images: int
    spaces: dict[str, int]
    file: str
    seconds: float
    features: dict[str, Matrix] = field(repr=False)


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
    extracted = []
    for name in choose_splits(dataset, splits):
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
                features,
            )
        )
    return extracted


def choose_splits(dataset: Dataset, splits: Sequence[str]) -> list[str]:
    """Return the splits that are named (default: all). Raises UserError for an unknown one."""
    for name in splits:
        if name not in dataset.splits:
            raise unknown(f"split of {dataset.name}", name, list(dataset.splits))
    return list(splits or dataset.splits)


def tabulate(encoder: Encoder, dataset: Dataset, extracted: Sequence[ExtractedSplit]) -> FeatureTable:
    """Return the features of some splits as one table, each space under the name that ``--features`` takes."""
    preprocessing = encoder.preprocessing
    about = {
        "checkpoint": encoder.card.name,
        "model": model_label(encoder.card),
        "weights": encoder.card.weights,
        "dataset": dataset.name,
        "dataset_note": dataset.note,
        "edition": dataset.edition(),
        "preprocessing": preprocessing.model_dump_json(),
        "numerics": f"{encoder.inference.numerics}, {encoder.device.type}",
        "versions": json.dumps(provenance.versions()),
    }
    named = [
        {LOOC if name == GENERAL else HEAD + name: matrix for name, matrix in one.features.items()} for one in extracted
    ]
    return make_table([dataset.splits[one.split] for one in extracted], named, about)
