"""Leaving damaged images out, when the user asks for it."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from loocbench import checksums, files
from loocbench.cache import integrity, layout, locks
from loocbench.data.splits import select_rows
from loocbench.errors import DamagedImageError, UserError
from loocbench.progress import Reporter
from loocbench.types import Dataset, Split

CHUNK = 256  # images examined at a time
_VERSION = "2"  # raise it when the record has another form


def without_damaged(dataset: Dataset, *, cache: Path, reporter: Reporter) -> Dataset:
    """The data set without the images that cannot be decoded; its note and ``skipped`` name them.

    Decodes every image once, whole, and keeps the result in ``cache`` as long as the files stay as they are. Raises
    UserError when a split has no other images.
    """
    splits, skipped = {}, []
    for name, split in dataset.splits.items():
        damaged = set(_load_or_find_damaged(dataset, split, cache, reporter))
        rows = np.array([row for row, item in enumerate(split.items) if item not in damaged], dtype=np.int64)
        if not len(rows):
            raise UserError(f"every image of {dataset.name}, {name} is damaged; get the data set anew.")
        splits[name] = select_rows(split, rows, name)
        skipped += [item for item in split.items if item in damaged]
    if not skipped:
        return dataset
    more = f" and {len(skipped) - 3:,} more" if len(skipped) > 3 else ""
    reporter.info(f"left out {len(skipped):,} damaged images of {dataset.name}: {', '.join(skipped[:3])}{more}")
    count = f"{len(skipped):,} damaged left out"
    return replace(dataset, splits=splits, note=", ".join(filter(None, [dataset.note, count])), skipped=tuple(skipped))


def record_path(dataset: Dataset, split: Split, cache: Path) -> Path:
    """Where the record of a split's damaged images is kept."""
    determined = [_VERSION, dataset.name, split.name, dataset.content(split.items), *split.items]
    return layout.entry_path(cache, "damage", hashlib.sha256("\n".join(determined).encode()).hexdigest())


def _load_or_find_damaged(dataset: Dataset, split: Split, cache: Path, reporter: Reporter) -> list[str]:
    """The split's damaged images, from the cache or found now."""
    path = record_path(dataset, split, cache)
    while True:
        if not path.is_file():
            with locks.locked(layout.lock_path(path), f"examines {dataset.name}, {split.name}", reporter):
                if not path.is_file():
                    record = checksums.add_checksum(_make_record(dataset, split, reporter))
                    files.write_text(path, json.dumps(record))
        try:
            return _read_record(path)
        except FileNotFoundError:  # pruned this moment
            continue
        except files.DamagedFileError:
            integrity.remove_damaged(path, reporter)


def _make_record(dataset: Dataset, split: Split, reporter: Reporter) -> dict[str, Any]:
    damaged: list[str] = []
    for begin in range(0, len(split), CHUNK):
        items = split.items[begin : begin + CHUNK]
        results = zip(items, dataset.examine(items), strict=True)
        damaged += [item for item, result in results if isinstance(result, DamagedImageError)]
        reporter.update(f"examine, {split.name}", begin + len(items), len(split))
    return {
        "kind": "damage",
        "dataset": dataset.name,
        "split": split.name,
        "images": len(split),
        "damaged": damaged,
    }


def _read_record(path: Path) -> list[str]:
    with suppress(OSError):  # another user's
        os.utime(path)
    try:
        fields, unaltered = checksums.take_checksum(json.loads(path.read_text(encoding="utf-8")))
        damaged: list[str] = fields["damaged"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise files.damaged(path) from error
    if not unaltered:
        raise files.damaged(path)
    return damaged
