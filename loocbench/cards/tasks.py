"""Task cards: a protocol on a data set, with published figures; names of tasks, and their cards."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from loocbench.cards.datasets import ANY_FOLDER, Published, TaskOnDataset, dataset_stem, load_dataset_card
from loocbench.cards.protocols import ProtocolCard, load_protocols, parse_settings, require_kind
from loocbench.data import catalog
from loocbench.data.entries import ENTRIES
from loocbench.data.torchvision_sets import table as torchvision_sets
from loocbench.errors import unknown
from loocbench.evaluators import KINDS
from loocbench.evaluators.task_kind import TaskKind
from loocbench.toml_files import read_card
from loocbench.types import Frozen

COLOR = "color"


class TaskCard(Frozen):
    """A task: everything that determines what is measured, except the checkpoint.

    task: its name, ``KIND/DATASET[-LABEL][-VARIANT]``, with ``torchvision-NAME`` for the data set ``torchvision:NAME``.
    former_task: another one that its rows were stored under.
    elsewhere: the other data set whose test images evaluate the classifier of ``dataset`` (robustness). labels: the
    predicted label, or those that define a match. limit: at most so many images of each split; 0: all.
    """

    task: str = Field(pattern=r"^[a-z0-9_-]+/[A-Za-z0-9_.-]+$")
    former_task: str = ""
    version: int = Field(ge=1)
    title: str
    description: str = ""
    kind: str
    dataset: str
    elsewhere: str = ""
    labels: tuple[str, ...] = ()
    limit: int = Field(0, ge=0)
    cost: str = ""
    protocol: Any = Field(default={}, validate_default=True)
    published: tuple[Published, ...] = ()

    _check_kind = field_validator("kind")(lambda name: require_kind(name))

    @field_validator("protocol", mode="plain")
    @classmethod
    def _check_protocol(cls, values: Any, info: ValidationInfo) -> Any:
        return parse_settings(info.data.get("kind", ""), values)

    @model_validator(mode="after")
    def _check_consistency(self) -> TaskCard:
        use = self.task_kind.label_use
        if use == "predicted" and len(self.labels) != 1:
            raise ValueError("a classifier predicts exactly one label")
        if use == "matched" and not self.labels:
            raise ValueError(f"{self.kind} needs the labels that define a match")
        if strange := {name for entry in self.published for name in entry.metrics} - set(self.metrics):
            raise ValueError(f"published metric '{min(strange)}' is not one of {', '.join(self.metrics)}")
        return self

    @property
    def task_kind(self) -> TaskKind[Any]:
        """The task's kind."""
        return KINDS[self.kind]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics that its rows may have."""
        return self.task_kind.metrics(self.protocol, self.labels)

    @property
    def metric(self) -> str:
        """The metric that represents it in tables."""
        return self.task_kind.headline(self.protocol, self.labels)


def task_names(dataset: str = "") -> list[str]:
    """Return the names of all tasks on the data sets of the catalog, or on one that it has or torchvision, sorted."""
    return sorted(name for name, _, _, _ in _combinations([dataset] if dataset else ENTRIES))


def load_task(task: str) -> TaskCard:
    """Return the card of a task. Raises UserError for an unknown name."""
    if found := find_card(task):
        return found
    raise unknown("task", task, task_names(), listed_by="loocbench tasks ls")


def find_card(task: str) -> TaskCard | None:
    """Return the card of a task on a data set of the catalog or of torchvision; None for an unknown name."""
    for name, protocol, dataset, label in _combinations([*ENTRIES, *torchvision_sets.SETS]):
        if name == task:
            return make_task(protocol, dataset, label)
    return None


def read_task(path: Path) -> TaskCard:
    """Read and validate the file of a single task: its data sets and labels must exist. Raises UserError."""
    card = read_card(path, TaskCard)
    for name in filter(None, (card.dataset, card.elsewhere)):
        if not name.startswith(catalog.FOLDER_PREFIX):
            catalog.entry_of(name)
    entry = catalog.find_entry(card.dataset)
    for label in card.labels if entry else ():
        if entry and label not in entry.labels:
            raise unknown(f"label of {card.dataset}", label, entry.labels)
    return card


def make_task(protocol: ProtocolCard, dataset: str, label: str = "") -> TaskCard:
    """Return the task of a protocol on a data set of the catalog, or of torchvision. label: default its main one."""
    entry = catalog.entry_of(dataset)
    dataset, card = entry.name, load_dataset_card(entry.name)
    main = entry.labels[0]
    stated = card.find_task(protocol.protocol, "" if label == main else label)
    labels = _labels_of(protocol, label or main, entry.labels)
    named = entry.short if label in ("", main) else f"{entry.short} {label}"
    return TaskCard(
        task=_name(protocol, dataset, "" if label == main else label),
        version=stated.version or protocol.version,
        title=stated.title or named + _suffix(protocol, stated),
        description=stated.description or protocol.description,
        kind=protocol.kind,
        dataset=card.classifier_of if protocol.for_test_sets else dataset,
        elsewhere=dataset if protocol.for_test_sets else "",
        labels=labels,
        cost=stated.cost or protocol.cost,
        protocol=_with_settings(protocol, stated.settings),
        published=stated.published,
    )


def make_folder_task(protocol: ProtocolCard, dataset: str, folder: str, label: str = "") -> TaskCard:
    """Return the task of a protocol on a folder of images.

    dataset: ``folder:PATH``. folder: the folder's name, part of the task's name, so that each folder has its columns.
    label: a column of its labels.csv; default the class folders.
    """
    stated = load_dataset_card(ANY_FOLDER).find_task(protocol.protocol, "")
    task = "-".join(filter(None, [folder_task_stem(protocol, folder), slug(label)]))
    former = "-".join(filter(None, [_name(protocol, ANY_FOLDER, ""), _former_slug(folder), _former_slug(label)]))
    return TaskCard(
        task=task,
        former_task=former if former != task else "",
        version=stated.version or protocol.version,
        title=", ".join(filter(None, [folder + _suffix(protocol, stated), label])),
        description=stated.description or protocol.description,
        kind=protocol.kind,
        dataset=dataset,
        labels=_labels_of(protocol, label or "class", ()),
        cost=stated.cost or protocol.cost,
        protocol=_with_settings(protocol, stated.settings),
    )


def folder_task_stem(protocol: ProtocolCard, folder: str) -> str:
    """Return the name of a protocol's task on the class folders of ``folder``."""
    return "-".join(filter(None, [_name(protocol, ANY_FOLDER, ""), slug(folder)]))


def former_folder_task_stem(protocol: ProtocolCard, folder: str) -> str:
    """Return what :func:`folder_task_stem` gave when rows of folders without ASCII names were stored under it."""
    return "-".join(filter(None, [_name(protocol, ANY_FOLDER, ""), _former_slug(folder)]))


def slug(name: str) -> str:
    """Return ``name`` with runs of other characters than ASCII letters, digits and ``_.-`` as one underscore.

    Names that are not ASCII end in a hash, since they may differ in such characters alone. Unicode's composed and
    decomposed forms of a name give the same.
    """
    if name.isascii():
        return _former_slug(name)
    composed = unicodedata.normalize("NFC", name)
    return f"{_former_slug(composed).rstrip('_')}_{hashlib.sha256(composed.encode()).hexdigest()[:8]}"


def _former_slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)


def works_on(protocol: ProtocolCard, dataset: str) -> bool:
    """Return whether a protocol has a task on a data set of the catalog, which its splits decide.

    A set with test images alone also needs a card that names the data set whose classifier is judged on them.
    """
    if not catalog.entry_of(dataset).test_only:
        return not protocol.for_test_sets
    return protocol.for_test_sets and bool(load_dataset_card(dataset).classifier_of)


def _combinations(datasets: Iterable[str]) -> Iterator[tuple[str, ProtocolCard, str, str]]:
    """Yield (task name, protocol, data set, label) of every task on some data sets."""
    entries = [catalog.entry_of(name) for name in datasets]
    for protocol in load_protocols():
        every_label = KINDS[protocol.kind].label_use == "predicted" and not protocol.for_test_sets
        for entry in entries:
            if works_on(protocol, entry.name):
                yield _name(protocol, entry.name, ""), protocol, entry.name, ""
                for label in entry.labels[1:] if every_label else ():
                    yield _name(protocol, entry.name, label), protocol, entry.name, label


def _name(protocol: ProtocolCard, dataset: str, label: str) -> str:
    return f"{protocol.kind}/" + "-".join(filter(None, [dataset_stem(dataset), label, protocol.variant]))


def _suffix(protocol: ProtocolCard, stated: TaskOnDataset) -> str:
    return protocol.title_suffix if stated.title_suffix is None else stated.title_suffix


def _labels_of(protocol: ProtocolCard, label: str, offered: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels that a task uses: ``label``, and for matches also the colour if that is a label."""
    use = KINDS[protocol.kind].label_use
    if use == "none":
        return ()
    return (label, COLOR) if use == "matched" and COLOR in offered and label != COLOR else (label,)


def _with_settings(protocol: ProtocolCard, changes: Mapping[str, Any]) -> Frozen:
    """Return the protocol's settings with the changes of a data set card. Raises ValueError."""
    return parse_settings(protocol.kind, {**protocol.settings.model_dump(exclude_unset=True), **changes})
