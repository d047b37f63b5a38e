"""Opening a data set as the command line's options say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from loocbench.data import catalog, damage
from loocbench.data.digests import FileEdition
from loocbench.data.limiting import limit_dataset
from loocbench.progress import Reporter
from loocbench.types import Dataset


def open_dataset(
    name: str, data_dir: Path | None, *, skip_damaged: bool, cache: Path, reporter: Reporter, limit: int = 0
) -> Dataset:
    """Return the data set ``name``, without its images that cannot be decoded if ``skip_damaged``. Raises UserError.

    limit: at most so many images of each split; 0: all. The data set's remarks are told, and the digests of its files
    are kept in ``cache``.
    """
    dataset = keep_digests(limit_dataset(catalog.open_dataset(name, data_dir), limit), cache, reporter)
    for remark in dataset.remarks:
        reporter.info(remark)
    return damage.without_damaged(dataset, cache=cache, reporter=reporter) if skip_damaged else dataset


def keep_digests(dataset: Dataset, cache: Path, reporter: Reporter) -> Dataset:
    """Return the data set with an edition whose files are not read again as long as they stay as they are."""
    edition = dataset.edition
    if not isinstance(edition, FileEdition):
        return dataset
    return replace(dataset, edition=FileEdition(edition.source, edition.splits, cache, reporter))
