"""Task cards: which data, which protocol, which metric, what was published."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from pydantic import Field, model_validator

from loocbench.cards import protocols
from loocbench.cards.protocols import Evaluator, Protocol
from loocbench.changes.ranges import RANGES
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError, unknown
from loocbench.toml_files import read_card
from loocbench.types import Frozen

ANY_FOLDER = "folder"


class Published(Frozen):
    """A figure of a paper. metrics: by name, fractions of 1; spread: the ± that the paper gives with some of them.

    same_protocol: whether the card's protocol is the paper's, as far as that states it; only then a table says by how
    much a figure measured on the official copy differs.
    """

    model: str
    source: str
    metrics: dict[str, float] = Field(min_length=1)
    spread: dict[str, float] = Field(default_factory=dict)
    same_protocol: bool = False

    @model_validator(mode="after")
    def _fractions(self) -> Published:
        if not all(0 <= value <= 1 for value in self.metrics.values()):
            raise ValueError("published accuracies are fractions of 1")
        if strange := self.spread.keys() - self.metrics.keys():
            raise ValueError(f"spread of '{min(strange)}', which has no figure")
        return self


class TaskCard(Frozen):
    """One task. ``task`` is its path below tasks/ without the ending; ``metric`` is the one that tables show.

    elsewhere: the data set whose test images a classifier of ``dataset`` is judged on as it is (robustness).
    """

    task: str = Field(pattern=r"^[a-z0-9_-]+/[a-z0-9_-]+$")
    version: int = Field(ge=1)
    title: str
    description: str
    evaluator: Evaluator
    dataset: str
    elsewhere: str = ""
    labels: tuple[str, ...] = ()
    metric: str
    cost: str
    protocol: Protocol = Protocol()
    published: tuple[Published, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> TaskCard:
        if lacking := self.protocol.lacking(self.evaluator):
            raise ValueError(lacking)
        if self.evaluator in protocols.CLASSIFIERS and len(self.labels) != 1:
            raise ValueError("a classifier predicts exactly one label")
        if self.evaluator == "retrieval" and not self.labels:
            raise ValueError("retrieval needs the labels that count as a match")
        if self.evaluator == "robustness" and bool(self.elsewhere) == bool(self.protocol.changes):
            raise ValueError("robustness needs either protocol.changes, or the data set elsewhere")
        known = {ANY_FOLDER: ("class",), **{name: entry.labels for name, entry in ENTRIES.items()}}
        for name in filter(None, (self.dataset, self.elsewhere)):
            if name not in known:
                raise ValueError(f"dataset '{name}' is not one of {', '.join(known)}")
            if strange := set(self.labels) - set(known[name]):
                raise ValueError(f"{name} has no label '{min(strange)}'")
        if strange := set(self.protocol.changes) - RANGES.keys():
            raise ValueError(f"change '{min(strange)}' is not one of {', '.join(RANGES)}")
        if self.metric not in self.metrics:
            raise ValueError(f"metric '{self.metric}' is not one of {', '.join(self.metrics)}")
        if strange := {name for entry in self.published for name in entry.metrics} - set(self.metrics):
            raise ValueError(f"published metric '{min(strange)}' is not one of {', '.join(self.metrics)}")
        return self

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that the evaluator may give."""
        return protocols.metrics(self.evaluator, self.labels, self.protocol.changes)


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
