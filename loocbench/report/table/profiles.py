"""Profiles: what each model kept, one figure for each question, beside an untrained network's and the best one's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loocbench.cards.tasks import TaskCard
from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.columns import Column
from loocbench.report.table.labels import format_label
from loocbench.types import SELECTED

UNTRAINED = "nothing"  # how the account of an untrained network's training begins
COLOR, ORIENTATION = "color", "orientation"

# What answers a question, the best answer first: kind of task, and the metric.
_ANSWERS = {
    "class": (("linear", "top1"), ("knn", "top1"), ("few-shot", "top1"), ("episodes", "top1")),
    COLOR: (("linear", "top1"), ("retrieval", "color_recall1"), ("controlled", "hue_kept")),
    ORIENTATION: (("rotation", "top1"), ("controlled", "rotation_kept")),
}


@dataclass(frozen=True)
class Question:
    """A question, and the column that answers it. title: "species", "colour", "orientation", with the data set's name
    where the questions are of several."""

    title: str
    column: int


@dataclass(frozen=True)
class Answer:
    """A model's figure on a question; fractions of 1. untrained: of an untrained network, None without one. best: the
    highest that any line has."""

    cell: Cell | None
    untrained: float | None
    best: float


@dataclass(frozen=True)
class Profile:
    """A model's answers, in the order of the questions. name: with the features where several of them are shown."""

    name: str
    answers: tuple[Answer, ...]


def list_questions(columns: Sequence[Column], cards: Mapping[str, TaskCard]) -> list[Question]:
    """Return the questions that the columns answer: of each data set, what it is, and what its other labels are."""
    best = rank_answers(columns, cards)
    several = len({group for group, _ in best}) > 1
    ordered = sorted(best.items(), key=lambda pair: pair[1][1])
    return [
        Question(f"{group}: {format_label(name)}" if several else format_label(name), place)
        for (group, name), (_, place) in ordered
    ]


def rank_answers(columns: Sequence[Column], cards: Mapping[str, TaskCard]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the best answer to each question of each data set: (group, question) -> (rank, position of the column).

    The rank is the answer's among all kinds of answers to the question, from 0, the best."""
    best: dict[tuple[str, str], tuple[int, int]] = {}
    for place, column in enumerate(columns):
        if (card := cards.get(column.task)) and (found := _find_question(card, column.metric)):
            name, rank = found
            best[column.group, name] = min(best.get((column.group, name), (rank, place)), (rank, place))
    return best


def build_profiles(columns: Sequence[Column], cards: Mapping[str, TaskCard], lines: Sequence[Line]) -> list[Profile]:
    """Return the profile of each line that a method is evaluated on: single spaces, validation's choice and the
    untrained network, which is the scale, are left out. Empty where less than two questions are answered."""
    questions = list_questions(columns, cards)
    if len(questions) < 2:
        return []
    untrained = next((line for line in lines if line.trained_on.startswith(UNTRAINED)), None)
    scale = [_scale(question.column, lines, untrained) for question in questions]
    shown = [
        line
        for line in lines
        if line is not untrained and not line.features.startswith("head:") and line.features != SELECTED
    ]
    models = [line.title for line in shown]
    return [
        Profile(
            line.title if models.count(line.title) == 1 else f"{line.title}, {line.features}",
            tuple(
                Answer(line.cells[question.column], low, high)
                for question, (low, high) in zip(questions, scale, strict=True)
            ),
        )
        for line in shown
    ]


def _find_question(card: TaskCard, metric: str) -> tuple[str, int] | None:
    """Return the question that a metric of a task answers, and the rank of this answer; None if none."""
    label = card.labels[0] if card.labels else ""
    asked = ORIENTATION if card.kind == "rotation" or metric == "rotation_kept" else COLOR
    if card.task_kind.label_use == "predicted":
        asked = COLOR if label == COLOR else "class"
    ranks = [rank for rank, answer in enumerate(_ANSWERS[asked]) if answer == (card.kind, metric)]
    if not ranks:
        return None
    return (label if asked == "class" else asked), ranks[0]


def _scale(column: int, lines: Sequence[Line], untrained: Line | None) -> tuple[float | None, float]:
    """Return an untrained network's figure in a column, and the highest."""
    cell = untrained.cells[column] if untrained else None
    best = max((line.cells[column].value for line in lines if line.cells[column]), default=1.0)  # type: ignore[union-attr]
    return (cell.value if cell else None), best
