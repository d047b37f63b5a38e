"""The store of measured rows: one JSON file a row, below ``results/<suite>/<checkpoint>/``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from loocbench import files
from loocbench.types import Row


class Torn(NamedTuple):
    """A file in the store that is no row of this version; it is left where it is."""

    path: Path
    reason: str


def locate(
    results: Path, suite: str, checkpoint: str, checkpoint_hash: str, task: str, version: int, features: str, seed: int
) -> Path:
    """Where a row is kept: one place for each (checkpoint, task and version, features, seed)."""
    safe = features.replace(":", "-").replace("/", "-")
    name = f"{task.replace('/', '-')}.v{version}.{safe}.s{seed}.json"
    return results / suite / f"{checkpoint}-{checkpoint_hash[:8]}" / name


def save(path: Path, row: Row) -> None:
    """Write a row atomically."""
    files.write_text(path, json.dumps(row.model_dump(mode="json"), indent=1) + "\n")


def read(path: Path) -> Row | Torn:
    """One row, or why the file is none."""
    try:
        return Row.model_validate_json(path.read_bytes())
    except ValidationError as error:
        return Torn(path, error.errors()[0]["msg"])
    except OSError as error:
        return Torn(path, error.strerror or str(error))


def rows(results: Path, suite: str) -> Iterator[Row | Torn]:
    """Every file of a suite, in the order of its path."""
    for path in sorted((results / suite).glob("*/*.json")):
        yield read(path)
