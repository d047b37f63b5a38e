"""Finding the task that a command means: by kind, data set and label, or by a stored row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loocbench.cards.protocols import ProtocolCard, load_protocols
from loocbench.cards.tasks import (
    TaskCard,
    folder_task_stem,
    former_folder_task_stem,
    load_task,
    make_folder_task,
    make_task,
    task_names,
    works_on,
)
from loocbench.data import catalog
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError, unknown
from loocbench.evaluators import get_kind

MAIN = "path"  # how the command line calls the protocol without a variant


def find_task(kind: str, dataset: str, label: str | None = None, *, solver: str = "", elsewhere: str = "") -> TaskCard:
    """Return the task of a kind on a data set.

    label: which label is predicted; default the main one. solver: the variant of the protocol, where there are several.
    elsewhere: the data set with test images alone on which the classifier is judged. ``folder:PATH`` is any folder of
    images; whether it has the label shows when it is opened. Raises UserError with the names that exist.
    """
    get_kind(kind)
    variants = {card.variant: card for card in load_protocols(kind) if not card.for_test_sets}
    solver = "" if solver == MAIN else solver
    if solver not in variants:
        raise unknown("solver", solver, [name or MAIN for name in variants])
    if elsewhere:
        return _find_elsewhere(kind, dataset, elsewhere)
    return _task_on(variants[solver], dataset, label)


def find_few_shot_task(dataset: str, *, shots: int, ways: int, solver: str) -> TaskCard:
    """Return the few-shot task with this protocol; ways 0: all classes at once. Raises UserError with what exists."""
    cards = load_protocols("few-shot", "episodes")
    for card in cards:
        settings = card.settings.model_dump()
        if (settings["shots"], settings.get("ways", 0)) == (shots, ways) and (ways or settings["solver"] == solver):
            return _task_on(card, dataset, None)
    wanted = f"shots={shots}" + (f" and ways={ways}" if ways else f" and solver={solver}")
    known = ", ".join(card.protocol for card in cards)
    raise UserError(f"there is no protocol with {wanted}; choose --shots, --ways and --solver of one of {known}.")


def find_named_task(name: str) -> TaskCard:
    """Return the task called ``name``; ``KIND/folder:PATH`` is a kind's task on any folder. Raises UserError."""
    kind, _, dataset = name.partition("/")
    return find_task(kind, dataset) if dataset.startswith(catalog.FOLDER_PREFIX) else load_task(name)


def find_task_of_row(task: str, dataset: str) -> TaskCard | None:
    """Return the task that a stored row was measured by; None for one that does not exist any more."""
    if dataset.startswith(catalog.FOLDER_PREFIX):
        name = dataset.removeprefix(catalog.FOLDER_PREFIX)
        for protocol in load_protocols():
            for stem in (folder_task_stem(protocol, name), former_folder_task_stem(protocol, name)):
                if task == stem or task.startswith(f"{stem}-"):
                    card = make_folder_task(protocol, dataset, name, task.removeprefix(stem).removeprefix("-"))
                    return card if card.task == task else card.model_copy(update={"task": task, "former_task": ""})
    return load_task(task) if task in task_names() else None


def _task_on(protocol: ProtocolCard, dataset: str, label: str | None) -> TaskCard:
    if dataset.startswith(catalog.FOLDER_PREFIX):
        name = Path(dataset.removeprefix(catalog.FOLDER_PREFIX)).resolve().name
        return make_folder_task(protocol, dataset, name, label or "")
    if dataset not in ENTRIES:
        raise unknown("data set", dataset, [*_datasets(protocol), f"{catalog.FOLDER_PREFIX}PATH"])
    if not works_on(protocol, dataset):
        raise UserError(
            f"{dataset} has test images alone; judge a classifier on it with 'loocbench robustness --elsewhere "
            f"{dataset}', or choose another --dataset."
        )
    labels = ENTRIES[dataset].labels
    if label is not None and label not in labels:
        raise unknown(f"label of {dataset}", label, labels)
    return make_task(protocol, dataset, label or "")


def _find_elsewhere(kind: str, dataset: str, elsewhere: str) -> TaskCard:
    """Return the task that judges the classifier of ``dataset`` on a data set with test images alone."""
    protocols = [card for card in load_protocols(kind) if card.for_test_sets]
    tasks = [make_task(card, name) for card in protocols for name in _datasets(card)]
    if elsewhere not in (known := [task.elsewhere for task in tasks]):
        raise unknown("data set to be judged on", elsewhere, known)
    task = tasks[known.index(elsewhere)]
    if dataset != task.dataset:
        raise UserError(f"a classifier of {task.dataset} is judged on {elsewhere}; add --dataset {task.dataset}.")
    return task


def _datasets(protocol: ProtocolCard) -> Sequence[str]:
    return [name for name in ENTRIES if works_on(protocol, name)]
