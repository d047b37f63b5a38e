"""The notes below a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from loocbench.cards.tasks import TaskCard
from loocbench.report.table.cells import NEAR_BEST, SIGNIFICANCE_LEVEL
from loocbench.report.table.columns import Column
from loocbench.report.table.comparisons import Comparison
from loocbench.report.table.experiments import describe_part
from loocbench.report.table.labels import natural_key
from loocbench.report.table.ranking import Untested
from loocbench.report.table.selection import Selection
from loocbench.types import ASSUMED, CONSTANT, LEARNING, SELECTED, Row
from loocbench.wording import count_of

_INTERVAL = (
    "± is half the 95 % interval: of a figure of several pretraining seeds, Student's over these seeds; of a figure of "
    "one seed, that over {items}, which says nothing of other seeds; the two are not comparable."
)
_SD = (
    "± of a figure of several pretraining seeds is the standard deviation over these seeds; of a figure of one seed it "
    "is half the 95 % interval over {items}, which says nothing of other seeds; the two are not comparable."
)
_RANKS = (
    f"Bold: the best figure of a column. {NEAR_BEST}: a test does not tell it from the best one (p ≥ "
    f"{SIGNIFICANCE_LEVEL:g} after Holm's correction over the column), which with few seeds or items does not say that "
    "it is as good. Tests are paired by item where items are stored, and take seeds for a sample where there are "
    "several; with one seed each they are of these checkpoints alone."
)
_SELECTED = (
    "`selected` is the concatenation of spaces that validation images chose, for each task and pretraining seed anew; "
    "rows.csv says which."
)
_FEWER_COLUMNS = "A column for each question;"
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
    untested: Sequence[Untested],
    cards: Mapping[str, TaskCard],
    left_out: int = 0,
) -> list[str]:
    """What a reader of the table must know, one or two sentences per note, without duplicates.

    left_out: number of columns that the headline table does not show.
    """
    spread_note = (_SD if spread == "sd" else _INTERVAL).format(items=_describe_items(columns, cards))
    notes = [f"Figures are per cent. {spread_note}", _RANKS, *_list_untested(untested)] if columns else []
    if left_out:
        notes.insert(0, f"{_FEWER_COLUMNS} {count_of(left_out, 'more column')} with --all.")
    tested = [test for test in tests if test.result]
    if tested:
        notes.append(_TESTS.format(count=len(tested)))
    seeds = sorted({row.pretraining_seed for row in rows if row.pretraining_seed is not None})
    seeds_text = f"Pretraining seeds: {', '.join(map(str, seeds))}. " if seeds else ""
    notes.append(f"{seeds_text}Hardware: {'; '.join(sorted({row.hardware for row in rows}))}.")
    copies = dict.fromkeys(f"{column.group} ({column.note})" for column in columns if column.note)
    if copies:
        notes.append(f"Copies of data sets that are not known to be the official ones: {'; '.join(copies)}.")
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
    notes += [*_list_learning(rows), *_list_constant(rows)]
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


def notes_of_paper(notes: Sequence[str]) -> list[str]:
    """Return the notes without what only tells the user of the command how to see more."""
    return [note for note in notes if not note.startswith(_FEWER_COLUMNS)]


def _describe_items(columns: Sequence[Column], cards: Mapping[str, TaskCard]) -> str:
    """What the interval of one seed is over: "test images, for few-shot over draws of training images"."""
    usual = "test images"
    kinds = [cards[column.task].task_kind for column in columns if column.task in cards]
    others = {kind.name: kind.item_name for kind in kinds if kind.item_name != usual}
    return usual + "".join(f", for {name} over {items}" for name, items in others.items())


def _list_learning(rows: Sequence[Row]) -> list[str]:
    """A note for each model and for what its training did not teach it, with the pretraining seeds of which it is, and
    with the epoch of a checkpoint that was kept on the way."""
    seeds: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for row in rows:
        if LEARNING in row.stated:
            seeds[row.model, describe_part(row), row.stated[LEARNING]].add(row.pretraining_seed or 0)
    return [
        f"Signs of learning, {model} (pretraining seed {', '.join(map(str, sorted(those)))}"
        f"{part and f', after {part}'}): {what}."
        for (model, part, what), those in sorted(seeds.items(), key=lambda one: [natural_key(text) for text in one[0]])
    ]


def _list_untested(untested: Sequence[Untested]) -> list[str]:
    """A note for each reason why figures were not tested against the best one, with their columns."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in untested:
        counts[one.reason][one.column.heading] += 1
    return [
        f"Not tested against the best figure, hence without {NEAR_BEST}: "
        + "; ".join(f"{count} of {heading}" for heading, count in columns.items())
        + f" ({reason})."
        for reason, columns in counts.items()
    ]


def _list_constant(rows: Sequence[Row]) -> list[str]:
    """A note for each model and space whose features do not tell images apart, with the tasks where that was found."""
    tasks: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in rows:
        if CONSTANT in row.stated:
            tasks[row.model, row.features, row.stated[CONSTANT]].add(row.task)
    return [
        f"Constant features, {model}, {features}: {what} ({', '.join(sorted(those))}); such figures say nothing."
        for (model, features, what), those in sorted(tasks.items())
    ]
