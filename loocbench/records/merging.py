"""Merging stores: every row once, nothing replaced, and what cannot stand in its place is set aside."""

from __future__ import annotations

import filecmp
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from loocbench import files
from loocbench.records import places, store
from loocbench.records.store import UnreadableRow
from loocbench.types import Row

Read = Callable[[Path], Row | UnreadableRow]
_CIRCUMSTANCES = {"created", "seconds", "hardware", "versions"}  # of a measurement, which do not determine its figures


class Copy(NamedTuple):
    """A file to copy. target: its new path. move: it is the target store's own, and leaves its old place."""

    source: Path
    target: Path
    move: bool = False


class SetAside(NamedTuple):
    """A file that is kept, but not in a row's place. reason: continues a sentence after "set aside"."""

    path: Path
    target: Path
    reason: str


@dataclass
class Merge:
    """What merging does: ``copies`` in this order. added: rows that the target did not have; same: rows that it has."""

    copies: list[Copy] = field(default_factory=list)
    added: int = 0
    same: int = 0
    set_aside: list[SetAside] = field(default_factory=list)
    unreadable: list[UnreadableRow] = field(default_factory=list)


def plan_merge(
    sources: Sequence[Path], target: Path, suites: Sequence[str] = (), *, read: Read = store.read_row
) -> Merge:
    """Return what brings the rows of ``sources`` into the store ``target``. suites: only these; default all. read: how
    a file is read as a row, for callers that keep what was read.

    Of two rows of one measurement the target's stays in its place, else that of the source that was named first; the
    other one is set aside unless it is the same. A file that cannot be read as a row keeps its place where no row has
    it. Files set aside before, and pictures, are copied where their paths are free.
    """
    merge = Merge()
    held = {place: path for path, place, found in _iterate(target, suites, read) if isinstance(found, Row)}
    planned: dict[Path, Path] = {}  # path in the target -> the file that will be there
    damaged: list[tuple[UnreadableRow, Path]] = []
    for source in sources:
        for path, place, found in _iterate(source, suites, read):
            if isinstance(found, UnreadableRow):
                merge.unreadable.append(found)
                if path.is_file():
                    damaged.append((found, place))
            elif place in held:
                _compare(path, found, place, read(held[place]), held[place], target, merge, planned)
            else:
                own = target / place
                if own.is_file():
                    _make_room(own, place, held, target, merge, planned)
                merge.added += 1
                held[place] = path
                planned[own] = path
                merge.copies.append(Copy(path, own))
                _copy_free(path.with_suffix(".png"), own.with_suffix(".png"), merge, planned)
        for suite in store.list_suites(source):
            for other in (
                *sorted((source / suite).glob("gallery-*.png")),
                *sorted((source / suite).glob(f"*/{places.SET_ASIDE}/*.json")),
            ):
                if not suites or suite in suites:
                    _copy_free(other, target / other.relative_to(source), merge, planned)
    for found, place in damaged:
        _keep_unreadable(found, place, target, merge, planned)
    return merge


def perform_merge(merge: Merge) -> None:
    """Copy the files, each atomically; interrupted, the same merge goes on. Raises UserError where it cannot write."""
    for source, target, move in merge.copies:
        with files.writing(target) as part:
            shutil.copyfile(source, part)
        if move:
            source.unlink()


def has_same_figures(row: Row, other: Row) -> bool:
    """Whether two rows differ in nothing but when, how long, on what machine and with what versions was measured."""
    return row.model_dump(exclude=_CIRCUMSTANCES) == other.model_dump(exclude=_CIRCUMSTANCES)


def _iterate(results: Path, suites: Sequence[str], read: Read) -> Iterator[tuple[Path, Path, Row | UnreadableRow]]:
    """Yield (file, its place in a store, row) of every file of a store; rows in their own places come first."""
    last = []
    for suite in store.list_suites(results):
        for path in sorted((results / suite).glob("*/*.json")) if not suites or suite in suites else ():
            found, place = read(path), path.relative_to(results)
            if isinstance(found, Row):
                own = places.find_place(suite, found)
                if own is None:
                    found = UnreadableRow(path, "its names are not those of files")
                else:
                    place = own
            if results / place == path:
                yield path, place, found
            else:
                last.append((path, place, found))
    yield from last


def _make_room(
    own: Path, place: Path, held: dict[Path, Path], target: Path, merge: Merge, planned: dict[Path, Path]
) -> None:
    """Move a file of the target that stands in another row's place: a row to its own, anything else aside."""
    measured = next((other for other, path in held.items() if path == own), None)
    if measured is not None:
        planned[target / measured] = own
        merge.copies.append(Copy(own, target / measured, move=True))
        return
    aside = target / places.set_aside_path(place, own.read_bytes())
    merge.copies.append(Copy(own, aside, move=True))
    merge.set_aside.append(SetAside(own, aside, "it cannot be read as a row, and a whole one came"))


def _compare(
    path: Path,
    row: Row,
    place: Path,
    other: Row | UnreadableRow,
    kept: Path,
    target: Path,
    merge: Merge,
    planned: dict[Path, Path],
) -> None:
    """Count a row whose place is taken as the same, or set it aside. other: the row of that place, of file ``kept``."""
    if row == other:
        merge.same += 1
        return
    equal = isinstance(other, Row) and has_same_figures(row, other)
    reason = f"it was measured apart from {kept}, with {'the same' if equal else 'other'} figures"
    _set_aside(path, place, reason, target, merge, planned)


def _set_aside(path: Path, place: Path, reason: str, target: Path, merge: Merge, planned: dict[Path, Path]) -> None:
    aside = target / places.set_aside_path(place, path.read_bytes())
    merge.set_aside.append(SetAside(path, aside, reason))
    _copy_free(path, aside, merge, planned)


def _keep_unreadable(found: UnreadableRow, place: Path, target: Path, merge: Merge, planned: dict[Path, Path]) -> None:
    there = planned.get(target / place, target / place)
    if not there.exists():
        _copy_free(found.path, target / place, merge, planned)
    elif not filecmp.cmp(there, found.path, shallow=False):
        _set_aside(
            found.path, place, "it cannot be read as a row, and another file has its place", target, merge, planned
        )


def _copy_free(path: Path, target: Path, merge: Merge, planned: dict[Path, Path]) -> None:
    """Plan to copy a file unless there is none, or one at its target."""
    if path.is_file() and not target.exists() and target not in planned:
        planned[target] = path
        merge.copies.append(Copy(path, target))
