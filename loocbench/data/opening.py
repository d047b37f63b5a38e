"""Opening a data set as the command line's options say."""

from __future__ import annotations

from pathlib import Path

from loocbench.data import catalog, damage
from loocbench.progress import Reporter
from loocbench.types import Dataset


def open_dataset(name: str, data_dir: Path | None, *, skip_damaged: bool, cache: Path, reporter: Reporter) -> Dataset:
    """Return the data set ``name``, without its images that cannot be decoded if ``skip_damaged``. Raises UserError."""
    dataset = catalog.open_dataset(name, data_dir)
    return damage.without_damaged(dataset, cache=cache, reporter=reporter) if skip_damaged else dataset
