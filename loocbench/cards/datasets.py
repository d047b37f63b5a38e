"""Data set cards: published figures and settings of tasks on a data set. They are optional."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from loocbench.cards.folder import tasks_folder
from loocbench.cards.protocols import require_protocol
from loocbench.data import catalog
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError
from loocbench.toml_files import read_card
from loocbench.types import Frozen

ANY_FOLDER = "folder"  # name of the card of ``folder:PATH``


class Published(Frozen):
    """A figure of a paper. metrics: by name, fractions of 1; spread: the ± that the paper gives with some of them.

    same_protocol: whether the task's protocol is the paper's, as far as the paper states it; only then tables show the
    difference of a figure measured on the official copy.
    """

    model: str
    source: str
    metrics: dict[str, float] = Field(min_length=1)
    spread: dict[str, float] = Field(default_factory=dict)
    same_protocol: bool = False

    @model_validator(mode="after")
    def _check_figures(self) -> Published:
        if not all(0 <= value <= 1 for value in self.metrics.values()):
            raise ValueError("published accuracies are fractions of 1")
        if strange := self.spread.keys() - self.metrics.keys():
            raise ValueError(f"spread of '{min(strange)}', which has no figure")
        return self


class TaskOnDataset(Frozen):
    """Differences from the protocol card on this data set; unset fields are the card's. label: "" for the main one."""

    protocol: str
    label: str = ""
    version: int | None = Field(None, ge=1)
    title: str = ""
    title_suffix: str | None = None
    description: str = ""
    cost: str = ""
    settings: Mapping[str, Any] = {}
    published: tuple[Published, ...] = ()


class DatasetCard(Frozen):
    """Tasks on a data set. classifier_of: for a test-only data set, the data set whose classifier it evaluates."""

    dataset: str
    classifier_of: str = ""
    tasks: tuple[TaskOnDataset, ...] = ()

    def find_task(self, protocol: str, label: str) -> TaskOnDataset:
        """Return the statements on a protocol and label; empty ones if there are none."""
        for task in self.tasks:
            if (task.protocol, task.label) == (protocol, label):
                return task
        return TaskOnDataset(protocol=protocol, label=label)


def dataset_stem(dataset: str) -> str:
    """Return a data set's name as it is in names of tasks and files: "torchvision-CIFAR10"."""
    return dataset.replace(":", "-")


def load_dataset_card(dataset: str) -> DatasetCard:
    """Return a data set's card; an empty one if it has no file."""
    path = tasks_folder() / "datasets" / f"{dataset_stem(dataset)}.toml"
    return read_dataset_card(path) if path.is_file() else DatasetCard(dataset=dataset)


def read_dataset_card(path: Path) -> DatasetCard:
    """Read and validate one data set card: its data set, protocols and labels must exist. Raises UserError."""
    return _read_dataset_card(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _read_dataset_card(path: Path, changed: int) -> DatasetCard:
    """Read a file, once per version; changed: its modification time."""
    card = read_card(path, DatasetCard)
    if dataset_stem(card.dataset) != path.stem:
        raise UserError(f"{path}: dataset is '{card.dataset}', but the file is {path.name}; rename one.")
    for name in filter(None, (card.dataset, card.classifier_of)):
        if catalog.find_entry(name) is None and name != ANY_FOLDER:
            raise UserError(f"{path}: dataset '{name}' is not one of {', '.join(ENTRIES)}.")
    for task in card.tasks:
        require_protocol(task.protocol)
        if task.label and task.label not in catalog.entry_of(card.dataset).labels[1:]:
            raise UserError(f"{path}: {card.dataset} has no further label '{task.label}'.")
    return card
