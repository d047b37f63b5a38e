"""What a task kind says of itself: what its cards may state, its metrics, how tables show it, and its evaluation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field

from loocbench.types import Dataset, Frozen, Outcome

if TYPE_CHECKING:
    from loocbench.evaluators.task_data import TaskData


def _known_changes(names: tuple[str, ...]) -> tuple[str, ...]:
    from loocbench.changes.ranges import RANGES

    for name in names:
        if name not in RANGES:
            raise ValueError(f"change '{name}' is not one of {', '.join(RANGES)}")
    return names


Positives = tuple[Annotated[float, Field(gt=0)], ...]
Grid = Annotated[Positives, Field(min_length=1)]  # hyper-parameters to choose from
Tolerance = Annotated[float, Field(gt=0)]  # bound on the gradient norm of a solution
Changes = Annotated[tuple[str, ...], AfterValidator(_known_changes)]  # names of ``loocbench.changes.ranges``
Count = Annotated[int, Field(ge=1)]

ProtocolType = TypeVar("ProtocolType", bound=Frozen)


class TaskKind(ABC, Generic[ProtocolType]):
    """Base class of the task kinds. A kind is one module of this package with one subclass and its instance ``KIND``.

    name: as in task names, before the slash. protocol: the values that a card's ``[protocol]`` may have.
    label_use: whether one label is predicted, several labels define a match, or labels are not used.
    draws_gallery: whether pictures of nearest neighbours belong to its results. answers: what it measures of every
    change, as suffixes of metric names; shown as matrices of spaces by changes.
    """

    name: ClassVar[str]
    protocol: ClassVar[type[Frozen]]
    label_use: ClassVar[Literal["predicted", "matched", "none"]]
    draws_gallery: ClassVar[bool] = False
    change_metrics: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def metrics(self, protocol: ProtocolType, labels: Sequence[str]) -> tuple[str, ...]:
        """Names of all metrics that :meth:`evaluate` may return."""

    @abstractmethod
    def evaluate(self, protocol: ProtocolType, labels: Sequence[str], data: TaskData) -> Outcome:
        """Measure one checkpoint's features. labels: names of the task's labels. Raises UserError for unfit data."""

    def headline(self, protocol: ProtocolType, labels: Sequence[str]) -> str:
        """The metric that stands for the task where there is room for one."""
        return "top1"

    def table_metrics(self, headline: str, metrics: Sequence[str]) -> list[str]:
        """Which of the stored ``metrics`` a table shows; all of them where a row lacks the headline."""
        return [headline] if headline in metrics else list(metrics)

    def selects_features(self, protocol: ProtocolType) -> bool:
        """Whether validation may choose the combination of spaces (``loocbench select``)."""
        return False

    def expected_statements(self, dataset: Dataset) -> Mapping[str, str]:
        """Statements of a row of this kind that depend on ``dataset``; a row that states otherwise is not reused."""
        return {}
