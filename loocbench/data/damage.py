"""Leaving damaged images out, when the user asks for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from loocbench import files
from loocbench.data.splits import select_rows
from loocbench.errors import DamagedImageError, UserError
from loocbench.progress import Reporter
from loocbench.types import Dataset, Split

CHUNK = 256  # images examined at a time


def without_damaged(dataset: Dataset, *, cache: Path, reporter: Reporter) -> Dataset:
    """The data set without the images that cannot be decoded; its note and ``skipped`` name them.

    Decodes every image once, whole, and remembers the answer in ``cache`` as long as the files stay as they are. Raises
    UserError when a split has no other images.
    """
    splits, skipped = {}, []
    for name, split in dataset.splits.items():
        bad = set(_damaged(dataset, split, cache, reporter))
        rows = np.array([row for row, item in enumerate(split.items) if item not in bad], dtype=np.int64)
        if not len(rows):
            raise UserError(f"every image of {dataset.name}, {name} is damaged; get the data set anew.")
        splits[name] = select_rows(split, rows, name)
        skipped += [item for item in split.items if item in bad]
    if not skipped:
        return dataset
    reporter.info(
        f"left out {len(skipped):,} damaged images of {dataset.name}: {', '.join(skipped[:3])}{_more(skipped)}"
    )
    count = f"{len(skipped):,} damaged left out"
    return replace(dataset, splits=splits, note=", ".join(filter(None, [dataset.note, count])), skipped=tuple(skipped))


def _damaged(dataset: Dataset, split: Split, cache: Path, reporter: Reporter) -> list[str]:
    key = hashlib.sha256("\n".join([dataset.content(split.items), *split.items]).encode()).hexdigest()
    path = cache / "damaged" / f"{key[:32]}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    bad: list[str] = []
    for begin in range(0, len(split), CHUNK):
        items = split.items[begin : begin + CHUNK]
        bad += [
            item
            for item, found in zip(items, dataset.examine(items), strict=True)
            if isinstance(found, DamagedImageError)
        ]
        reporter.update(f"examine, {split.name}", begin + len(items), len(split))
    files.write_text(path, json.dumps(bad))
    return bad


def _more(skipped: list[str]) -> str:
    return f" and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
