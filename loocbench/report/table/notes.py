"""The notes below a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict

from loocbench.report.table.columns import Column
from loocbench.report.table.comparisons import SIGNIFICANCE_LEVEL, Comparison
from loocbench.report.table.selection import Selection
from loocbench.types import ASSUMED, SELECTED, Row

_INTERVAL = (
    "± is half the 95 % interval: Student's over pretraining seeds where there are several, else that over test items."
)
_SD = "± is the standard deviation over pretraining seeds where there are several, else half the 95 % interval."
_RANKS = (
    "Best of a column bold, second underlined; figures that differ by no more than the root of the sum of the squares "
    "of their half 95 % intervals count as equal."
)
_SELECTED = (
    "`selected` is the concatenation of spaces that validation images chose, for each task and pretraining seed anew; "
    "rows.csv says which."
)
_TESTS = (
    "Tests are paired by item: exact McNemar where one pretraining seed answered each item right or wrong, else a "
    "bootstrap over items and seeds, of fewer than 50 items Student's test; p after Holm's correction over all {count} "
    f"tests, ↑ and ↓ mark p < {SIGNIFICANCE_LEVEL:g}."
)


def write_notes(
    rows: Sequence[Row],
    columns: Sequence[Column],
    *,
    chosen: Selection,
    spread: str,
    superseded: int,
    tests: Sequence[Comparison],
) -> list[str]:
    """What a reader of the table must know, one or two sentences per note, without duplicates."""
    notes = [f"Figures are per cent. {_SD if spread == 'sd' else _INTERVAL}", _RANKS]
    tested = [test for test in tests if test.result]
    if tested:
        notes.append(_TESTS.format(count=len(tested)))
    seeds = sorted({row.pretraining_seed for row in rows if row.pretraining_seed is not None})
    seeds_text = f"Pretraining seeds: {', '.join(map(str, seeds))}. " if seeds else ""
    notes.append(f"{seeds_text}Hardware: {'; '.join(sorted({row.hardware for row in rows}))}.")
    notes += [
        f"{column.task} was measured on a copy that is not known to be the official one: {column.note}."
        for column in columns
        if column.note
    ]
    shown = {(column.task, column.note) for column in columns}
    stated: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        if (row.task, row.dataset_note) in shown:
            for what, how in row.conditions.items():
                stated[row.task, what.replace("_", " ")].add(how)
    for (task, what), ways in stated.items():
        differ = "" if len(ways) == 1 else ", which differs between lines: figures that depend on it do not compare"
        notes.append(f"{task}: {what} from {' or '.join(sorted(ways))}{differ}.")
    assumed = {(row.model, row.stated[ASSUMED]) for row in rows if ASSUMED in row.stated}
    notes += [f"Assumed of {model}: {what}." for model, what in sorted(assumed)]
    if any(row.features == SELECTED for row in rows):
        notes.append(_SELECTED)
    skipped = sorted({(row.task, len(row.skipped)) for row in rows if row.skipped})
    notes += [f"{task}: {count} damaged images were left out." for task, count in skipped]
    filters = [f"{kind} {', '.join(names)}" for kind, names in asdict(chosen).items() if names]
    if filters:
        notes.append(f"Filtered: {'; '.join(filters)}.")
    if superseded:
        notes.append(f"Not shown: {superseded} rows of older task versions or of checkpoints trained again since.")
    return list(dict.fromkeys(notes))
