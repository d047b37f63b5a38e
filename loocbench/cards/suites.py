"""Suite cards: which models, pretrained how, and which tasks."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from loocbench.cards import tasks
from loocbench.cards.reading import read_card
from loocbench.errors import unknown
from loocbench.types import Frozen


class SuiteModel(Frozen):
    """One row of a table to be: a method with its augmentations, and the features that it is judged on."""

    method: str
    augmentations: tuple[str, ...] = ()
    left_out: tuple[str, ...] | None = None
    features: tuple[str, ...] = Field(min_length=1)


class Budget(Frozen):
    """What all models of a suite have in common."""

    backbone: str
    image_size: int
    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str
    weight_decay: float
    queue_size: int
    key_momentum: float
    temperature: float


class SuiteCard(Frozen):
    """A list of tasks for a list of models."""

    suite: str
    version: int = Field(ge=1)
    title: str
    description: str
    cost: str
    pretrain_on: str
    budget: Budget
    models: tuple[SuiteModel, ...]
    tasks: tuple[str, ...]


def folder() -> Path:
    """Where the suites are."""
    return tasks.folder() / "suites"


def names() -> list[str]:
    """All suites, sorted."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def load(suite: str) -> SuiteCard:
    """The card of a suite; every task it lists must exist. Raises UserError."""
    if suite not in names():
        raise unknown("suite", suite, names())
    card = read_card(folder() / f"{suite}.toml", SuiteCard)
    for task in card.tasks:
        tasks.load(task)
    return card
