"""One data set of the catalog: names, labels, reader, official numbers, downloads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loocbench.data.official import Official
from loocbench.types import Dataset

MB, GB = 10**6, 10**9
_SLACK = 1.25  # published sizes are rounded


@dataclass(frozen=True)
class Download:
    """One official file. ``size`` and ``unpacked`` are published sizes in bytes; they bound what is accepted.

    urls: the publisher's first, then mirrors. algorithm, digest: the checksum that the publisher, or torchvision for
    them, states; empty where there is none. into: the folder, below the data folder, that the file is unpacked into or
    copied to. unpacked: 0 for a file that is not an archive. gives: a path, below the data folder, that exists
    afterwards.
    """

    file: str
    urls: tuple[str, ...]
    size: int
    algorithm: Literal["md5", "sha256", ""] = ""
    digest: str = ""
    into: str = "."
    unpacked: int = 0
    gives: str = ""

    @property
    def size_limit(self) -> int:
        """Bytes after which a download is refused."""
        return int(self.size * _SLACK) + MB

    @property
    def unpacked_limit(self) -> int:
        """Bytes after which unpacking is refused."""
        return int(self.unpacked * _SLACK) + MB


@dataclass(frozen=True)
class DatasetSource:
    """Where a data set comes from.

    licence: in one or two words. terms: further conditions that its page states. downloads: empty where the user has
    to get the files; by_hand then says what to put where.
    """

    homepage: str
    licence: str
    terms: str = ""
    downloads: tuple[Download, ...] = ()
    by_hand: str = ""

    @property
    def size(self) -> int:
        """Bytes to download; 0 where nothing is downloaded."""
        return sum(download.size for download in self.downloads)


@dataclass(frozen=True)
class Entry:
    """One data set of the catalog.

    short: its name in column headings of tables. labels: names of its labels, the main one first. folders: where its
    files may lie below the data folder, the official name first. read: opens such a folder. generate: opens a data set
    that has no files, instead of ``read``. test_only: it has nothing but a test split, so that whatever is fitted is
    fitted on another data set. fetch(root): downloads its folder below ``root`` by another library. beside: names of
    folders beside its own that ``read`` looks into, too.
    """

    name: str
    short: str
    title: str
    official: Official
    source: DatasetSource
    labels: tuple[str, ...] = ("class",)
    folders: tuple[str, ...] = ()
    read: Callable[[Path], Dataset] | None = None
    generate: Callable[[], Dataset] | None = None
    test_only: bool = False
    fetch: Callable[[Path], None] | None = None
    beside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for an entry that cannot be opened."""
        if (self.read is None) == (self.generate is None) or bool(self.read) != bool(self.folders):
            raise ValueError(f"{self.name} needs folders and read, or generate alone")
