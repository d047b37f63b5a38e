"""The images that rows were measured on, where this machine has them."""

from __future__ import annotations

from pathlib import Path

from loocbench.cache import layout
from loocbench.cards.limits import parse_limit
from loocbench.data import catalog
from loocbench.data.limiting import limit_dataset
from loocbench.data.opening import keep_digests
from loocbench.editions import is_same_edition, split_editions
from loocbench.errors import UserError
from loocbench.progress import Silent
from loocbench.types import Dataset, Row


def open_measured(row: Row, data_dir: Path | None, opened: dict[tuple[str, int], Dataset | str]) -> Dataset | str:
    """Return the data set that a row was measured on, or why it cannot be opened. opened: earlier attempts, by name and
    limit."""
    limit = parse_limit(row.task)[1]
    if (row.dataset, limit) not in opened:
        try:
            opened[row.dataset, limit] = limit_dataset(catalog.open_dataset(row.dataset, data_dir), limit)
        except UserError as error:
            opened[row.dataset, limit] = str(error)
    found = opened[row.dataset, limit]
    if isinstance(found, str):
        return found
    if "test" not in found.splits or found.splits["test"].fingerprint != row.fingerprints.get("test"):
        return f"the copy of {row.dataset} here is not the one that was measured"
    return found


def has_measured_files(dataset: Dataset, row: Row) -> bool:
    """Whether the files of an opened data set are those that a row was measured on."""
    measured = split_editions(row.edition)[0]
    return is_same_edition(measured, keep_digests(dataset, layout.cache_dir(), Silent()).edition())
