"""Base class of task kinds: settings of its cards, metrics, presentation in tables, and evaluation."""

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
Grid = Annotated[Positives, Field(min_length=1)]  # hyperparameters to choose from
Tolerance = Annotated[float, Field(gt=0)]  # bound on the gradient norm of a solution
Changes = Annotated[tuple[str, ...], AfterValidator(_known_changes)]  # names of ``loocbench.changes.ranges``
Count = Annotated[int, Field(ge=1)]

ProtocolType = TypeVar("ProtocolType", bound=Frozen)


class TaskKind(ABC, Generic[ProtocolType]):
    """Base class of the task kinds. A kind is one module of this package with one subclass and its instance ``KIND``.

    name: as in task names, before the slash. protocol: class of the settings in a card's ``[protocol]``.
    label_use: whether one label is predicted, several labels define a match, or labels are not used.
    draws_gallery: whether its results include pictures of nearest neighbours. change_metrics: suffixes of the metrics
    CHANGE_SUFFIX that are measured of every change, and shown as matrices of spaces by changes. item_name: over what
    the interval of one measurement is, in the plural. unit: whether its metrics are fractions of 1, the columns of
    tables, or numbers of dimensions, from 1, which stand beside the tables, neither ranked nor tested.
    """

    name: ClassVar[str]
    protocol: ClassVar[type[Frozen]]
    label_use: ClassVar[Literal["predicted", "matched", "none"]]
    draws_gallery: ClassVar[bool] = False
    change_metrics: ClassVar[tuple[str, ...]] = ()
    item_name: ClassVar[str] = "test images"
    unit: ClassVar[Literal["share", "dimensions"]] = "share"

    @abstractmethod
    def metrics(self, protocol: ProtocolType, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the names of all metrics that :meth:`evaluate` may return."""

    @abstractmethod
    def evaluate(self, protocol: ProtocolType, labels: Sequence[str], data: TaskData) -> Outcome:
        """Measure one checkpoint's features. labels: names of the task's labels. Raises UserError for unfit data."""

    def headline(self, protocol: ProtocolType, labels: Sequence[str]) -> str:
        """Return the metric that represents the task where only one is shown."""
        return "top1"

    def table_metrics(self, headline: str, metrics: Sequence[str]) -> list[str]:
        """Return which of a row's ``metrics`` tables show: the headline, or all of them without it."""
        return [headline] if headline in metrics else list(metrics)

    def selects_features(self, protocol: ProtocolType) -> bool:
        """Return whether validation may choose the combination of spaces (``loocbench select``)."""
        return False

    def expected_statements(self, dataset: Dataset) -> Mapping[str, str]:
        """Return what ``Row.stated`` must hold for a row on ``dataset``; a row that states otherwise is not reused."""
        return {}
