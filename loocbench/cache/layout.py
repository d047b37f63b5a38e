"""Where the cache's files are, and what they are called.

    images/<key>.safetensors      decoded images of a split (data.preparing)
    features/<key>.safetensors    features of a split (features.extraction)
    digests/<key>.safetensors     SHA-256 of a split's image files (data.digests)
    damaged/<key>.json            which images of a split are damaged (data.damage)
    answers/<key>.json            what a command shows whose row is kept (cache.answers)
    .bench-<random>/              scratch folder of a benchmark, while it runs (jobs.bench)

While ``<key>`` is made there are also ``<key>.lock``, held by the process that makes it, ``<key>.part``, what it has
written, and for images ``<key>.progress``, from where an interrupted process goes on.

A key is a hash of everything that determines the content. What a file holds stands in its own metadata
(:mod:`loocbench.cache.descriptions`), never in its name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import platformdirs

from loocbench import configuration, files

Kind = Literal["images", "features", "digests", "damage", "answers"]
FOLDERS: dict[Kind, str] = {
    "images": "images",
    "features": "features",
    "digests": "digests",
    "damage": "damaged",
    "answers": "answers",
}
SCRATCH_PREFIX = ".bench-"
PART, PROGRESS, LOCK = ".part", ".progress", ".lock"
ENTRY_SUFFIXES: dict[Kind, str] = {
    "images": ".safetensors",
    "features": ".safetensors",
    "digests": ".safetensors",
    "damage": ".json",
    "answers": ".json",
}
KEY_LENGTH = 32  # hexadecimal digits
# Names of older versions too, which may still be there: hidden ones, and those of images with data set and size.
_KEY = re.compile(rf"\.?[0-9a-f]{{{KEY_LENGTH}}}|.+-[^-]+-\d+-[0-9a-f]{{16}}")


def cache_dir() -> Path:
    """The folder that is used without ``--cache``: the configured one, else the user's cache folder."""
    return configuration.find_folder("cache") or platformdirs.user_cache_path("loocbench")


def folder_path(cache: Path, kind: Kind) -> Path:
    """The folder of all entries of a kind."""
    return cache / FOLDERS[kind]


def entry_path(cache: Path, kind: Kind, key: str) -> Path:
    """The file of an entry. key: a hash, of which the first KEY_LENGTH hexadecimal digits are used."""
    return folder_path(cache, kind) / f"{key[:KEY_LENGTH]}{ENTRY_SUFFIXES[kind]}"


def part_path(entry: Path) -> Path:
    """The file in which an entry is written before it is whole."""
    return entry.with_suffix(PART)


def progress_path(entry: Path) -> Path:
    """The file that says how much of :func:`part_path` is on the disk."""
    return entry.with_suffix(PROGRESS)


def lock_path(entry: Path) -> Path:
    """The lock that is held while an entry is made or removed."""
    return entry.with_suffix(LOCK)


def scratch_lock_path(folder: Path) -> Path:
    """The lock that is held while a scratch folder is in use."""
    return folder.with_name(f"{folder.name}{LOCK}")


def key_of(name: str) -> str | None:
    """The key of the entry that a file in one of the cache's folders belongs to; None for a file that is not ours."""
    key, dot, suffix = (files.name_behind_temporary(name) or name).rpartition(".")
    ours = {PART, PROGRESS, LOCK, *ENTRY_SUFFIXES.values()}
    return key if dot + suffix in ours and _KEY.fullmatch(key) else None
