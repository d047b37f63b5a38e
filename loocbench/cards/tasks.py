"""Task cards: which data, which protocol, which metric, what was published."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from loocbench.cards.reading import read_card
from loocbench.data import catalog
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError, unknown
from loocbench.types import Frozen

Evaluator = Literal["linear", "knn", "few-shot", "episodes", "rotation", "retrieval"]
ANY_FOLDER, COLOR = "folder", "color"
RANKING = ("recall1", "recall5", "recall10", "map", "map_at_r", "r_precision")


class Published(Frozen):
    """A figure of a paper. metrics: by name, fractions of 1."""

    model: str
    source: str
    metrics: dict[str, float] = Field(min_length=1)

    @model_validator(mode="after")
    def _fractions(self) -> Published:
        if not all(0 <= value <= 1 for value in self.metrics.values()):
            raise ValueError("published accuracies are fractions of 1")
        return self


class Protocol(Frozen):
    """How features are judged. Probes: the grid of lambda and the bound on the gradient norm. kNN: how many neighbours
    and the temperature of their votes. Few-shot: images a class (shots), how often they are drawn (trials), and what
    is learned from them (solver); episodes also how many classes (ways) and how many queries a class."""

    lambdas: tuple[float, ...] = ()
    tolerance: float = Field(1e-5, gt=0)
    neighbours: tuple[int, ...] = ()
    temperature: float = Field(0.07, gt=0)
    shots: int = Field(0, ge=0)
    trials: int = Field(0, ge=0)
    ways: int = Field(0, ge=0)
    queries: int = Field(0, ge=0)
    solver: Literal["path", "adam"] = "path"


class TaskCard(Frozen):
    """One task. ``task`` is its path below tasks/ without the ending; ``metric`` is the one that tables show."""

    task: str = Field(pattern=r"^[a-z0-9_-]+/[a-z0-9_-]+$")
    version: int = Field(ge=1)
    title: str
    description: str
    evaluator: Evaluator
    dataset: str
    labels: tuple[str, ...] = ()
    metric: str
    cost: str
    protocol: Protocol = Protocol()
    published: tuple[Published, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> TaskCard:
        self._check_protocol()
        if self.evaluator in ("linear", "knn", "few-shot", "episodes") and len(self.labels) != 1:
            raise ValueError("a classifier predicts exactly one label")
        if self.evaluator == "retrieval" and not self.labels:
            raise ValueError("retrieval needs the labels that count as a match")
        known = {ANY_FOLDER: ("class",), **{name: entry.labels for name, entry in ENTRIES.items()}}
        if self.dataset not in known:
            raise ValueError(f"dataset '{self.dataset}' is not one of {', '.join(known)}")
        if strange := set(self.labels) - set(known[self.dataset]):
            raise ValueError(f"{self.dataset} has no label '{min(strange)}'")
        if self.metric not in self.metrics:
            raise ValueError(f"metric '{self.metric}' is not one of {', '.join(self.metrics)}")
        return self

    def _check_protocol(self) -> None:
        """Raise ValueError where the protocol lacks what the evaluator needs."""
        protocol = self.protocol
        if any(value <= 0 for value in protocol.lambdas) or any(value <= 0 for value in protocol.neighbours):
            raise ValueError("protocol.lambdas and protocol.neighbours must be positive")
        solved = self.evaluator in ("linear", "rotation", "episodes") or (
            self.evaluator == "few-shot" and protocol.solver == "path"
        )
        if solved and not protocol.lambdas:
            raise ValueError("a probe needs protocol.lambdas")
        if self.evaluator == "knn" and not protocol.neighbours:
            raise ValueError("kNN needs protocol.neighbours")
        if self.evaluator in ("few-shot", "episodes") and not (protocol.shots and protocol.trials):
            raise ValueError("few-shot tasks need protocol.shots and protocol.trials")
        if self.evaluator == "episodes" and not (protocol.ways > 1 and protocol.queries and len(protocol.lambdas) == 1):
            raise ValueError("episodes need protocol.ways, protocol.queries and exactly one of protocol.lambdas")

    @property
    def together(self) -> str:
        """How retrieval names a match in every label."""
        return "_and_".join(self.labels)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the evaluator may give."""
        if self.evaluator != "retrieval":
            return ("top1", "top5") if self.evaluator in ("linear", "knn") else ("top1",)
        kinds = (*self.labels, self.together) if len(self.labels) > 1 else self.labels
        own = tuple(f"{kind}_{name}" for kind in kinds for name in RANKING)
        return own if COLOR in self.labels else (*own, "color_agreement")


def folder() -> Path:
    """Where the cards are: beside this module in an installed package, in tasks/ of a checkout."""
    packaged = Path(str(resources.files("loocbench.cards"))) / "tasks"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "tasks"


def names() -> list[str]:
    """All tasks, sorted."""
    return sorted(
        path.relative_to(folder()).with_suffix("").as_posix()
        for path in folder().glob("*/*.toml")
        if path.parent.name not in ("suites", "recipes")
    )


def load(task: str) -> TaskCard:
    """The card of a task. Raises UserError for an unknown name or a card that is not valid."""
    if task not in names():
        raise unknown("task", task, names())
    return read(folder() / f"{task}.toml")


def read(path: Path) -> TaskCard:
    """Read and validate one card file; its ``task`` must agree with where it lies."""
    card = read_card(path, TaskCard)
    if card.task != f"{path.parent.name}/{path.stem}":
        raise UserError(f"{path}: task is '{card.task}', but the file is {path.parent.name}/{path.name}; rename one.")
    return card


def find(evaluator: Evaluator, dataset: str, label: str | None = None) -> TaskCard:
    """The card for an evaluator on a data set; ``label`` chooses where several fit, else the one named after the data.

    For ``folder:PATH`` the card of any folder is made out to that folder; whether it has the label shows when it is
    opened. Raises UserError with the names that exist.
    """
    if dataset.startswith(catalog.FOLDER_PREFIX):
        return _for_folder(load(f"{evaluator}/{ANY_FOLDER}"), dataset, label)
    cards = [load(task) for task in names()]
    fitting = [card for card in cards if card.evaluator == evaluator and card.dataset == dataset]
    if not fitting:
        raise unknown("data set", dataset, sorted({card.dataset for card in cards if card.evaluator == evaluator}))
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
    evaluator = task.split("/")[0]
    stem = f"{evaluator}/{ANY_FOLDER}-{_slug(dataset.removeprefix(catalog.FOLDER_PREFIX))}"
    if not dataset.startswith(catalog.FOLDER_PREFIX) or not task.startswith(stem):
        return None
    return _for_folder(load(f"{evaluator}/{ANY_FOLDER}"), dataset, task.removeprefix(stem).removeprefix("-") or None)


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)
