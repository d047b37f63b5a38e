"""The store of measured rows: one JSON file per row, in ``results/<suite>/<checkpoint>-<hash>/``."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from loocbench import checksums, files
from loocbench.errors import UserError
from loocbench.progress import Reporter
from loocbench.records import consistency, migration
from loocbench.types import Row

FIRST_WITH_CHECKSUM = 3  # row schema
MAX_NAME_BYTES = 240  # of a file's name; file systems allow 255, and a file that is being written has a longer name


class UnreadableRow(NamedTuple):
    """A file that cannot be read as a row; it is never deleted. reason: continues a sentence after "but"."""

    path: Path
    reason: str


def row_path(
    results: Path, suite: str, checkpoint: str, checkpoint_hash: str, task: str, version: int, features: str, seed: int
) -> Path:
    """The path of a row, unique for each (checkpoint, task and version, features, seed)."""
    return results / suite / folder_name(checkpoint, checkpoint_hash) / file_name(task, version, features, seed)


def folder_name(checkpoint: str, checkpoint_hash: str) -> str:
    """The name of the folder of a checkpoint's rows."""
    return f"{checkpoint}-{checkpoint_hash[:8]}"


def file_name(task: str, version: int, features: str, seed: int) -> str:
    """The name of a row's file in the folder of its checkpoint."""
    safe = features.replace(":", "-").replace("/", "-")
    return f"{task.replace('/', '-')}.v{version}.{safe}.s{seed}.json"


def gallery_path(results: Path, suite: str, task: str, seed: int) -> Path:
    """The path of the gallery that shows a suite's models side by side. seed: of the measurement."""
    return results / suite / f"gallery-{task.replace('/', '-')}.s{seed}.png"


def write_row(path: Path, row: Row, *, overwrite: bool = True) -> bool:
    """Write a row and its checksum atomically; returns False, and writes nothing, if the file exists and ``overwrite``
    is False. Raises ValueError for figures that contradict one another."""
    if contradiction := consistency.find_contradiction(row):
        raise ValueError(f"this row is not stored: {contradiction}")
    text = json.dumps(checksums.add_checksum(row.model_dump(mode="json")), indent=1) + "\n"
    if not overwrite:
        return files.write_new_text(path, text)
    files.write_text(path, text)
    return True


def read_row(path: Path) -> Row | UnreadableRow:
    """Read a row of this or an older schema, or say why the file cannot be read as one.

    Rows of schemas before 3 have no checksum.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a FIFO would wait for ever
            return UnreadableRow(path, "it is not a file")
        fields = from_json(path.read_bytes())
        if not isinstance(fields, dict):
            raise migration.InvalidRowError("it is not a row of loocbench")
        version = fields.get("schema_version")
        fields, unaltered = checksums.take_checksum(fields)
        upgraded = migration.upgrade_row(fields)
        row = Row.model_validate(upgraded)
        if unaltered is False or (unaltered is None and isinstance(version, int) and version >= FIRST_WITH_CHECKSUM):
            raise migration.InvalidRowError(
                "it was altered after it was written (its checksum is not that of its text)"
            )
        if contradiction := consistency.find_contradiction(row):
            raise migration.InvalidRowError(contradiction)
        return row
    except ValidationError as error:
        first = error.errors()[0]
        return UnreadableRow(path, f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}")
    except migration.InvalidRowError as error:
        return UnreadableRow(path, str(error))
    except ValueError as error:
        return UnreadableRow(path, f"it is truncated, or not JSON: {error}")
    except OSError as error:
        return UnreadableRow(path, error.strerror or str(error))


def read_rows(results: Path, suite: str) -> Iterator[Row | UnreadableRow]:
    """Read every file of a suite, sorted by path.

    A copy elsewhere of a row that is in its own place, such as a backup before it was measured again, is no second
    measurement: it counts as unreadable. Of copies without such a row the first counts.
    """
    elsewhere: dict[Path, Path] = {}  # a row's own place, where it is not -> where it was found
    for path in sorted((results / suite).glob("*/*.json")):
        row = read_row(path)
        if isinstance(row, Row):
            names = row.checkpoint, row.checkpoint_hash, row.task, row.task_version, row.features, row.seed
            own = row_path(results, suite, *names)
            first = own if own == path or own.is_file() else elsewhere.setdefault(own, path)
            if first != path:
                yield UnreadableRow(path, f"it is of the same measurement as {first}")
                continue
        yield row


def read_suite(results: Path, suite: str, reporter: Reporter) -> list[Row]:
    """The rows of a suite; unreadable files are reported and skipped. Raises UserError if there is no row."""
    rows: list[Row] = []
    for found in read_rows(results, suite):
        if isinstance(found, Row):
            rows.append(found)
        else:
            reporter.info(f"skipped {found.path}: {found.reason}")
    if not rows:
        raise UserError(
            f"no measured rows in {results / suite}; measure with 'loocbench probe', or name another --suite."
            f"{hint_at_rows(results, suite)}"
        )
    return rows


def list_suites(results: Path) -> list[str]:
    """Sorted names of the suites in a results folder that have rows."""
    return sorted({path.parent.parent.name for path in results.glob("*/*/*.json")})


def hint_at_rows(results: Path, suite: str) -> str:
    """Return a sentence on where there are rows, where a suite has none, for an error; "" if that is unknown."""
    if suites := [name for name in list_suites(results) if name != suite]:
        return f" There are rows of {', '.join(suites)}."
    folder = results.resolve()
    if folder.name in list_suites(folder.parent):
        return f" {results} is a suite itself: --results {results.parent} --suite {folder.name}."
    return ""
