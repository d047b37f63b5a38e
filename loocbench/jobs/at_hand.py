"""Which of the data sets that tasks speak of are at hand, each opened once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from loocbench.cards.tasks import TaskCard
from loocbench.data import catalog
from loocbench.errors import UserError
from loocbench.types import Dataset

Data = Mapping[str, Dataset | str]  # by name: the data set, or why it cannot be had


def opened(cards: Iterable[TaskCard], data_dir: Path | None) -> Data:
    """The data sets that the cards name."""
    names = dict.fromkeys(name for card in cards for name in (card.dataset, card.elsewhere) if name)
    return {name: _opened(name, data_dir) for name in names}


def lacking(card: TaskCard, data: Data) -> str:
    """What a card's data sets lack, or nothing."""
    for name, needed in ((card.dataset, {"train", "val", "test"}), (card.elsewhere, {"test"})):
        dataset = data.get(name)
        if isinstance(dataset, str):
            return dataset
        if dataset and (missing := needed - dataset.splits.keys()):
            return f"{dataset.name} has no {min(missing)} split"
    return ""


def of(card: TaskCard, data: Data) -> tuple[Dataset, Dataset | None] | None:
    """The card's data set and the other one that it names, if it does; None where one is not at hand."""
    dataset, other = data[card.dataset], data.get(card.elsewhere)
    return None if isinstance(dataset, str) or isinstance(other, str) else (dataset, other)


def _opened(name: str, data_dir: Path | None) -> Dataset | str:
    try:
        return catalog.open_dataset(name, data_dir)
    except UserError as error:
        return str(error)
