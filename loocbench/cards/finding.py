"""Finding the card that a command means: by evaluator and data set, or by a stored row."""

from __future__ import annotations

import re
from pathlib import Path

from loocbench.cards.protocols import Evaluator, Solver
from loocbench.cards.tasks import ANY_FOLDER, TaskCard, load, names
from loocbench.data import catalog
from loocbench.errors import UserError, unknown


def find(
    evaluator: Evaluator, dataset: str, label: str | None = None, *, solver: Solver = "path", elsewhere: str = ""
) -> TaskCard:
    """The card for an evaluator on a data set; ``label`` chooses where several fit, else the one named after the data.

    solver: of a probe. elsewhere: the other data set that a classifier is judged on, if there is one. For
    ``folder:PATH`` the card of any folder is made out to that folder; whether it has the label shows when it is opened.
    Raises UserError with the names that exist.
    """
    cards = [card for card in map(load, names()) if (card.evaluator, card.protocol.solver) == (evaluator, solver)]
    if elsewhere not in (every := {card.elsewhere for card in cards}):
        raise unknown("data set to be judged on", elsewhere, sorted(every - {""}))
    cards = [card for card in cards if card.elsewhere == elsewhere]
    if dataset.startswith(catalog.FOLDER_PREFIX):
        general = next((card for card in cards if card.dataset == ANY_FOLDER), None)
        if general is None:
            raise UserError(f"no card for {evaluator} with the solver {solver} on a folder of your own.")
        return _for_folder(general, dataset, label)
    fitting = [card for card in cards if card.dataset == dataset]
    if not fitting:
        raise unknown("data set", dataset, sorted({card.dataset for card in cards} - {ANY_FOLDER}))
    if label is None:
        return next((card for card in fitting if card.task == f"{evaluator}/{dataset}"), fitting[0])
    for card in fitting:
        if label in card.labels:
            return card
    raise unknown(f"label of {dataset}", label, [name for card in fitting for name in card.labels])


def find_few_shot(dataset: str, *, shots: int, ways: int, solver: str) -> TaskCard:
    """The few-shot card with this protocol; ``ways`` 0: all classes at once. Raises UserError with those that exist."""
    kinds = ("few-shot", "episodes")
    cards = [card for card in map(load, names()) if card.evaluator in kinds and card.dataset == dataset]
    if not cards:
        known = sorted({card.dataset for card in map(load, names()) if card.evaluator in kinds})
        raise unknown("data set", dataset, known)
    for card in cards:
        protocol = card.protocol
        if (protocol.shots, protocol.ways) == (shots, ways) and (ways or protocol.solver == solver):
            return card
    raise UserError(f"no card for {shots} shots like that; there are {', '.join(card.task for card in cards)}.")


def _for_folder(card: TaskCard, dataset: str, label: str | None) -> TaskCard:
    """The card of any folder, for one folder: its rows carry the folder's name, so that no two share a column."""
    name = Path(dataset.removeprefix(catalog.FOLDER_PREFIX)).resolve().name
    title = card.title.replace("Any folder of images", name)
    parts = [card.task, _slug(name)]
    changes: dict[str, object] = {"dataset": dataset, "title": title}
    if label:
        parts.append(_slug(label))
        changes |= {"labels": (label,), "title": f"{title}, {label}"}
    return card.model_copy(update={**changes, "task": "-".join(parts)})


def of_row(task: str, dataset: str) -> TaskCard | None:
    """The card that a stored row was measured by; None for a task that is no longer shipped."""
    if task in names():
        return load(task)
    if dataset.startswith(catalog.FOLDER_PREFIX):
        for card in map(load, names()):
            stem = f"{card.task}-{_slug(dataset.removeprefix(catalog.FOLDER_PREFIX))}"
            if card.dataset == ANY_FOLDER and task.startswith(stem):
                return _for_folder(card, dataset, task.removeprefix(stem).removeprefix("-") or None)
    return None


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)
