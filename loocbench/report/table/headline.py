"""The columns of the headline table: one for each question that the rows answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loocbench.cards.tasks import TaskCard
from loocbench.report.table.columns import Column
from loocbench.report.table.profiles import COLOR, ORIENTATION, rank_answers


def choose_headline(columns: Sequence[Column], cards: Mapping[str, TaskCard]) -> list[int]:
    """Return the positions of the columns that answer a question best, in their order; all where none does.

    What an image shows is asked of each data set: its class, or another label. Colour and orientation are asked once,
    by the best kind of answer that there is, on each data set that has it. A data set that answers none of these shows
    its first column.
    """
    answers = rank_answers(columns, cards)
    if not answers:
        return list(range(len(columns)))
    best = {
        asked: min(rank for (_, name), (rank, _) in answers.items() if name == asked)
        for asked in (COLOR, ORIENTATION)
        if any(name == asked for _, name in answers)
    }
    chosen = {place for (_, name), (rank, place) in answers.items() if rank == best.get(name, rank)}
    answering = {columns[place].group for _, place in answers.values()}
    for place, column in enumerate(columns):
        if column.group not in answering:
            answering.add(column.group)
            chosen.add(place)
    answers_of = {(columns[place].task, columns[place].metric) for place in chosen}  # on any copy of the data set
    return [place for place, column in enumerate(columns) if (column.task, column.metric) in answers_of]
