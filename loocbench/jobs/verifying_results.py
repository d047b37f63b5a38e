"""Checks every stored row: file, place, items, fingerprints, and the card of its task."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loocbench.cards import finding
from loocbench.cards.tasks import TaskCard
from loocbench.evaluators import kept_neighbours
from loocbench.progress import Reporter
from loocbench.records import places, store
from loocbench.records.store import UnreadableRow
from loocbench.types import PREDICTED, Row

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CODE = "kind_code"  # of a protocol in ``measured_with``: the hash of a plug-in's code, which no card states


@dataclass
class Verification:
    """rows: number of files that were checked. bad: file -> what is wrong with it. without_card: tasks that have no
    card here, such as those of a user's own card file, with their number of rows."""

    rows: int = 0
    bad: dict[Path, list[str]] = field(default_factory=dict)
    without_card: Counter[str] = field(default_factory=Counter)


def verify_rows(results: Path, suites: Sequence[str], reporter: Reporter) -> Verification:
    """Check every file of some suites in the place of a row.

    A row is bad if its file is damaged, altered or a copy, if its items or fingerprints cannot be, if it says other
    images than most rows of the same task, copy and edition, or if its metrics, labels or protocol are not those of
    its task's card in the row's version.
    """
    verification = Verification()
    cards: dict[tuple[str, str], TaskCard | None] = {}
    whole: list[tuple[Path, Row]] = []
    for suite in suites:
        paths = sorted((results / suite).glob("*/*.json"))
        for number, path in enumerate(paths, 1):
            reporter.update(f"check {suite}", number, len(paths))
            verification.rows += 1
            row = store.read_row(path)
            if isinstance(row, UnreadableRow):
                verification.bad[path] = [row.reason]
                continue
            whole.append((path, row))
            name = row.task, row.dataset
            if name not in cards:
                cards[name] = finding.find_task_of_row(*name)
            card = cards[name]
            if card is None:
                verification.without_card[row.task] += 1
            faults = [*_check_place(results, suite, path, row), *_check_content(row)]
            faults += _check_card(row, card) if card else []
            if faults:
                verification.bad[path] = faults
    for path, fault in _compare_fingerprints(whole):
        verification.bad.setdefault(path, []).append(fault)
    verification.bad = dict(sorted(verification.bad.items()))
    return verification


def _check_place(results: Path, suite: str, path: Path, row: Row) -> Iterator[str]:
    place = places.find_place(suite, row)
    if place is None:
        yield "its names are not those of files"
    elif results / place != path:
        there = "is a copy of the measurement" if (results / place).exists() else "belongs"
        yield f"it {there} at {results / place}"


def _check_content(row: Row) -> Iterator[str]:
    if not row.metrics:
        yield "it has no metrics"
    for name, items in row.items.items():
        if name not in (*row.metrics, PREDICTED) and not kept_neighbours.is_kept(name):
            yield f"it has items of {name}, which is not among its metrics"
        try:
            items.values()
        except ValueError as error:
            yield f"the items of its {name} are damaged ({error})"
    if not row.edition:
        yield "it does not say which edition of its images was measured"
    hashes = {"checkpoint": row.checkpoint_hash, **{f"split {name}": one for name, one in row.fingerprints.items()}}
    if not any(name.split()[-1:] == ["test"] for name in row.fingerprints):
        yield "it has no fingerprint of its test images"
    for name, text in hashes.items():
        if not _SHA256.fullmatch(text):
            yield f"the fingerprint of its {name} is not a SHA-256"


def _check_card(row: Row, card: TaskCard) -> Iterator[str]:
    if row.task_version > card.version:
        yield f"its task has version {row.task_version}, of which the newest here is {card.version}"
    if row.dataset != card.dataset:
        yield f"it is of {row.dataset}, its task of {card.dataset}"
    if row.task_version != card.version:
        return  # an older protocol had metrics and settings of its own
    if strange := sorted(set(row.metrics) - set(card.metrics)):
        yield f"its task has no metric {', '.join(strange)}"
    if card.metric not in row.metrics:
        yield f"it lacks its task's metric {card.metric}"
    if row.measured_with is None:
        return
    if row.measured_with.labels != card.labels:
        yield f"its labels are {', '.join(row.measured_with.labels)}, its task's {', '.join(card.labels)}"
    before = {name: value for name, value in row.measured_with.protocol.items() if name != _CODE}
    after = card.protocol.model_dump(mode="json")
    if differing := sorted(name for name in {**before, **after} if before.get(name) != after.get(name)):
        yield f"its protocol differs from its task's card in {', '.join(differing)}"


def _compare_fingerprints(whole: Sequence[tuple[Path, Row]]) -> Iterator[tuple[Path, str]]:
    """Yield the rows that say other images than most rows of the same task, copy and edition."""
    groups: dict[tuple[object, ...], list[tuple[Path, Mapping[str, str]]]] = defaultdict(list)
    for path, row in whole:
        same = row.task, row.task_version, row.dataset_note, row.edition, row.skipped
        groups[same].append((path, row.fingerprints))
    for members in groups.values():
        counts = Counter(tuple(sorted(prints.items())) for _, prints in members)
        most = counts.most_common(1)[0][1]
        for path, prints in members:
            own = counts[tuple(sorted(prints.items()))]
            if len(counts) > 1 and (own < most or list(counts.values()).count(most) > 1):
                yield (
                    path,
                    f"its images are others than those of {len(members) - own} rows of the same task and edition",
                )
