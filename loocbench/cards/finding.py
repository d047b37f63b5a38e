"""Finding a task: by kind, data set and label, by settings, by name, or from a stored row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loocbench.cards.datasets import dataset_stem
from loocbench.cards.few_shot_variants import EPISODES, FEW_SHOT, find_few_shot, make_few_shot
from loocbench.cards.limits import limit_task, parse_limit
from loocbench.cards.protocols import ProtocolCard, load_protocols
from loocbench.cards.tasks import (
    TaskCard,
    find_card,
    folder_task_stem,
    former_folder_task_stem,
    load_task,
    make_folder_task,
    make_task,
    read_task,
    works_on,
)
from loocbench.data import catalog
from loocbench.data.entries import ENTRIES
from loocbench.data.torchvision_sets import table as torchvision_sets
from loocbench.errors import UserError, unknown
from loocbench.evaluators import get_kind

MAIN = "path"  # the command line's name of the protocol without a variant


def find_task(kind: str, dataset: str, label: str | None = None, *, solver: str = "", elsewhere: str = "") -> TaskCard:
    """Return the task of a kind on a data set.

    label: the label to predict; default the main one. solver: variant of the protocol. elsewhere: the test-only data
    set to evaluate the classifier on. ``folder:PATH`` is any folder of images; its labels are checked when it is
    opened. Raises UserError with the names that exist.
    """
    get_kind(kind)
    variants = {card.variant: card for card in load_protocols(kind) if not card.for_test_sets}
    solver = "" if solver == MAIN else solver
    if solver not in variants:
        raise unknown("solver", solver, [name or MAIN for name in variants])
    if elsewhere:
        return _find_elsewhere(kind, dataset, elsewhere)
    return _task_on(variants[solver], dataset, label)


def find_few_shot_task(
    dataset: str,
    label: str | None = None,
    *,
    shots: int,
    ways: int = 0,
    trials: int | None = None,
    solver: str = "adam",
) -> TaskCard:
    """Return the task of K shots of all classes, or of episodes of ``ways`` classes. Raises UserError."""
    return _task_on(make_few_shot(shots, ways=ways, trials=trials, solver=solver), dataset, label)


def find_named_task(name: str) -> TaskCard:
    """Return the task called ``name``; ``PROTOCOL/folder:PATH`` is a protocol's task on any folder, such as
    ``few-shot-5/folder:photos``, ``FILE.toml`` that of a card. Raises UserError."""
    if name.endswith(".toml"):
        return read_task(Path(name))
    whole, limit = parse_limit(name)
    if limit:
        return limit_task(find_named_task(whole), limit)
    named, _, dataset = name.partition("/")
    if dataset.startswith(catalog.FOLDER_PREFIX):
        protocols = {card.protocol: card for card in load_protocols() if not card.for_test_sets}
        if named not in protocols:
            raise unknown("protocol", named, protocols, listed_by=f"loocbench tasks ls --dataset {dataset}")
        return _task_on(protocols[named], dataset, None)
    return _find_few_shot_variant(name) or load_task(name)


def list_folder_tasks(dataset: str) -> list[TaskCard]:
    """Return every protocol's task on ``folder:PATH``."""
    return [_task_on(card, dataset, None) for card in load_protocols() if not card.for_test_sets]


def find_task_of_row(task: str, dataset: str) -> TaskCard | None:
    """Return the task that a stored row was measured by; None for one that does not exist any more."""
    whole, limit = parse_limit(task)
    if limit:
        found = find_task_of_row(whole, dataset)
        return found and limit_task(found, limit)
    if dataset.startswith(catalog.FOLDER_PREFIX):
        name = dataset.removeprefix(catalog.FOLDER_PREFIX)
        for protocol in load_protocols():
            for stem in (folder_task_stem(protocol, name), former_folder_task_stem(protocol, name)):
                if task == stem or task.startswith(f"{stem}-"):
                    card = make_folder_task(protocol, dataset, name, task.removeprefix(stem).removeprefix("-"))
                    return card if card.task == task else card.model_copy(update={"task": task, "former_task": ""})
    return find_card(task) or _find_few_shot_variant(task)


def _find_few_shot_variant(name: str) -> TaskCard | None:
    """Return the few-shot task of this name whose numbers no shipped card has; None if it is none."""
    kind, _, rest = name.partition("/")
    for dataset in (*ENTRIES, *torchvision_sets.SETS) if kind in (FEW_SHOT, EPISODES) else ():
        for label in ("", *catalog.entry_of(dataset).labels[1:]):
            stem = "-".join(filter(None, [dataset_stem(dataset), label])) + "-"
            protocol = find_few_shot(kind, rest.removeprefix(stem)) if rest.startswith(stem) else None
            if protocol and works_on(protocol, dataset):
                return make_task(protocol, dataset, label)
    return None


def _task_on(protocol: ProtocolCard, dataset: str, label: str | None) -> TaskCard:
    if dataset.startswith(catalog.FOLDER_PREFIX):
        name = Path(dataset.removeprefix(catalog.FOLDER_PREFIX)).resolve().name
        return make_folder_task(protocol, dataset, name, label or "")
    entry = catalog.find_entry(dataset)
    if entry is None and dataset.startswith(torchvision_sets.PREFIX):
        entry = catalog.entry_of(dataset)  # which says what there is
    if entry is None:
        raise unknown(
            "data set",
            dataset,
            [*_datasets(protocol), catalog.FOLDER],
            listed_by=f"loocbench tasks ls --kind {protocol.kind}",
            always=catalog.FOLDER,
        )
    if not works_on(protocol, dataset):
        raise UserError(
            f"{dataset} has only test images; evaluate a classifier on it with 'loocbench robustness --elsewhere "
            f"{dataset}', or choose another --dataset."
        )
    if label is not None and label not in entry.labels:
        for other in load_protocols():
            if label in (other.kind, other.title_suffix.strip()) and works_on(other, dataset):
                task = make_task(other, dataset).task
                raise UserError(
                    f"no label of {dataset} is called '{label}'; 'loocbench evaluate --task {task}' measures it."
                )
        raise unknown(f"label of {dataset}", label, entry.labels)
    return make_task(protocol, dataset, label or "")


def _find_elsewhere(kind: str, dataset: str, elsewhere: str) -> TaskCard:
    """Return the task that evaluates the classifier of ``dataset`` on a test-only data set."""
    protocols = [card for card in load_protocols(kind) if card.for_test_sets]
    tasks = [make_task(card, name) for card in protocols for name in _datasets(card)]
    if elsewhere not in (known := [task.elsewhere for task in tasks]):
        raise unknown("data set to evaluate on", elsewhere, known)
    task = tasks[known.index(elsewhere)]
    if dataset != task.dataset:
        raise UserError(f"{elsewhere} evaluates a classifier of {task.dataset}; add --dataset {task.dataset}.")
    return task


def _datasets(protocol: ProtocolCard) -> Sequence[str]:
    return [name for name in ENTRIES if works_on(protocol, name)]
