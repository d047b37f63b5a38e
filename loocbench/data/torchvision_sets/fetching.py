"""Downloading a data set by torchvision."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torchvision

from loocbench.data.torchvision_sets.table import TorchvisionSet
from loocbench.errors import UserError


def fetch_torchvision_set(one: TorchvisionSet, root: Path) -> None:
    """Have torchvision download and unpack a data set below ``root``; it checks the checksums that it knows.

    Raises UserError, with where to get it and what to put where, when it cannot.
    """
    place = one.root_of(root / one.folder)
    place.mkdir(parents=True, exist_ok=True)
    try:
        with _plain_files_alone():
            for arguments in one.splits.values():
                getattr(torchvision.datasets, one.name)(str(place), download=True, **arguments)
    except Exception as error:  # of the network, of archives, of libraries that it asks for
        reason = " ".join(str(error).split())[:160].rstrip(".") or type(error).__name__
        raise UserError(
            f"torchvision cannot download {one.reference} ({reason}); get it from {one.homepage} and put its folder "
            f"{one.folder}/, as torchvision unpacks it, into the data folder."
        ) from error


@contextmanager
def _plain_files_alone() -> Iterator[None]:
    """Context in which tar archives cannot write outside their folder: torchvision unpacks them without a filter."""
    before = tarfile.TarFile.__dict__.get("extraction_filter")
    if hasattr(tarfile, "data_filter"):
        tarfile.TarFile.extraction_filter = staticmethod(tarfile.data_filter)
    try:
        yield
    finally:
        if before is not None:
            tarfile.TarFile.extraction_filter = before
        elif "extraction_filter" in tarfile.TarFile.__dict__:
            del tarfile.TarFile.extraction_filter
