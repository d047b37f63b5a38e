"""The store of measured rows: one JSON file a row, below ``results/<suite>/<checkpoint>/``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from loocbench import files
from loocbench.records import migration
from loocbench.types import Row

LONGEST = 240  # bytes of a name; file systems take 255, and a file that is being written has a longer one


class Torn(NamedTuple):
    """A file in the store that cannot be read as a row; it is left where it is. reason: goes on after "but"."""

    path: Path
    reason: str


def locate(
    results: Path, suite: str, checkpoint: str, checkpoint_hash: str, task: str, version: int, features: str, seed: int
) -> Path:
    """Where a row is kept: one place for each (checkpoint, task and version, features, seed)."""
    safe = features.replace(":", "-").replace("/", "-")
    name = f"{task.replace('/', '-')}.v{version}.{safe}.s{seed}.json"
    return results / suite / f"{checkpoint}-{checkpoint_hash[:8]}" / name


def gallery(results: Path, suite: str, task: str, seed: int) -> Path:
    """Where the picture is that shows the neighbours of a suite's models side by side. seed: of the measurement."""
    return results / suite / f"gallery-{task.replace('/', '-')}.s{seed}.png"


def save(path: Path, row: Row, *, overwrite: bool = True) -> bool:
    """Write a row atomically. Without ``overwrite`` a file that is there stays, and the answer is False."""
    text = json.dumps(row.model_dump(mode="json"), indent=1) + "\n"
    if not overwrite:
        return files.write_new_text(path, text)
    files.write_text(path, text)
    return True


def read(path: Path) -> Row | Torn:
    """One row, of this or an older schema, or why the file is none."""
    try:
        fields = from_json(path.read_bytes())
        if not isinstance(fields, dict):
            raise migration.NotARowError("it is no row of loocbench")
        return Row.model_validate(migration.upgraded(fields))
    except ValidationError as error:
        first = error.errors()[0]
        return Torn(path, f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}")
    except migration.NotARowError as error:
        return Torn(path, str(error))
    except ValueError as error:
        return Torn(path, f"it is torn, or no JSON: {error}")
    except OSError as error:
        return Torn(path, error.strerror or str(error))


def rows(results: Path, suite: str) -> Iterator[Row | Torn]:
    """Every file of a suite, in the order of its path."""
    for path in sorted((results / suite).glob("*/*.json")):
        yield read(path)


def suites(results: Path) -> list[str]:
    """The suites below a folder that hold files of rows, by name."""
    return sorted({path.parent.parent.name for path in results.glob("*/*/*.json")})
