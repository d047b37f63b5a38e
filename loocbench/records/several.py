"""Rows of several stores as one, without writing anything: what ``results merge`` would put together."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loocbench.errors import UserError
from loocbench.progress import Reporter
from loocbench.records import merging, places, store
from loocbench.records.store import UnreadableRow
from loocbench.types import Row


@dataclass(frozen=True)
class StoredRow:
    """A row with its file. store: the name of the store that holds it, path: the file within that store."""

    row: Row
    store: str
    path: Path


@dataclass(frozen=True)
class Conflict:
    """Two rows of one measurement, measured apart. shown: the one that counts. same_figures: whether they agree."""

    shown: StoredRow
    other: StoredRow
    same_figures: bool


@dataclass(frozen=True)
class MergedRows:
    """The rows of a suite in several stores, each measurement once.

    stores: their names. rows: by their place in a store. repeated: number of further rows that are equal to one of
    them. unreadable: files that are not rows.
    """

    stores: tuple[str, ...]
    rows: dict[Path, StoredRow]
    conflicts: tuple[Conflict, ...]
    repeated: int
    unreadable: tuple[UnreadableRow, ...]


def merge_rows(stores: Sequence[Path], suite: str) -> MergedRows:
    """Return the rows of a suite in some stores; of two of one measurement that of the store named first counts.

    Raises UserError for a store that has no rows of the suite.
    """
    stores = list({one.resolve(): one for one in reversed(stores)}.values())[::-1]  # each once, in the order named
    for one in stores:
        if suite not in store.list_suites(one):
            raise UserError(
                f"no measured rows in {one / suite}; name other --results, or another --suite."
                f"{store.hint_at_rows(one, suite)}"
            )
    names = dict(zip(stores, name_stores(stores), strict=True))
    read = functools.cache(store.read_row)  # each file once: reading takes most of the time of a large store
    with tempfile.TemporaryDirectory() as empty:  # nothing is in the way of any row there
        merge = merging.plan_merge(stores, Path(empty), [suite], read=read)
        planned = [(source, target.relative_to(empty)) for source, target, _ in merge.copies]
    rows: dict[Path, StoredRow] = {}
    others: list[tuple[Path, StoredRow]] = []
    for source, target in planned:
        found = read(source) if source.suffix == ".json" else None
        if not isinstance(found, Row) or (place := places.find_place(suite, found)) is None:
            continue
        holder = next(one for one in stores if source.is_relative_to(one))
        stored = StoredRow(found, names[holder], source.relative_to(holder))
        if target == place:
            rows[place] = stored
        elif target.parent.name == places.SET_ASIDE:
            others.append((place, stored))
    conflicts = [
        Conflict(rows[place], other, merging.has_same_figures(rows[place].row, other.row))
        for place, other in others
        if place in rows and rows[place].row != other.row
    ]
    if not rows:
        folders = ", ".join(str(one / suite) for one in stores)
        raise UserError(f"no row in {folders} can be read; 'loocbench results verify' says why.")
    # As one store's rows are read, so that means over seeds are the same to the last bit.
    ordered = dict(sorted(rows.items()))
    return MergedRows(tuple(names.values()), ordered, tuple(conflicts), merge.same, tuple(merge.unreadable))


def report_conflicts(merged: MergedRows, reporter: Reporter) -> None:
    """Tell the user which files are passed over and which measurements are in several stores."""
    for one in merged.unreadable:
        reporter.info(f"skipped {one.path}: {one.reason}")
    for conflict in merged.conflicts:
        figures = "the same" if conflict.same_figures else "other"
        reporter.info(
            f"{conflict.shown.path} of {conflict.shown.store} is shown; {conflict.other.store} measured it apart, with "
            f"{figures} figures"
        )


def name_stores(stores: Sequence[Path]) -> list[str]:
    """Return the shortest ends of some folders' paths that tell them apart: "results", or "ann/results"."""
    parts = [one.resolve().parts for one in stores]
    longest = max(map(len, parts))
    for count in range(1, longest + 1):
        names = ["/".join(one[-count:]) for one in parts]
        if len(set(names)) == len(names):
            return names
    return [one.as_posix() for one in stores]
