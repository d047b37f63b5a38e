"""Linear probe: accuracy of a linear classifier on frozen features (top-1, top-5, mean per class)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from loocbench.evaluators.task_kind import Count, Positives, TaskKind, Tolerance
from loocbench.lazy_table import import_place
from loocbench.types import PREDICTED, Frozen, Outcome

if TYPE_CHECKING:
    from torch import Tensor

    from loocbench.evaluators.task_data import TaskData


class LinearProtocol(Frozen):
    """Settings of a linear probe.

    solver: one of ``SOLVERS``. lambdas: L2 strengths to choose from. tolerance: bound on the gradient norm.
    learning_rates, epochs, batch_size, augment: of SGD; augment trains on random crops and flips.
    """

    solver: str = "path"
    lambdas: Positives = ()
    tolerance: Tolerance = 1e-5
    learning_rates: Positives = ()
    epochs: int = Field(0, ge=0)
    batch_size: Count = 256
    augment: bool = False

    @model_validator(mode="after")
    def _check_solver(self) -> LinearProtocol:
        if self.solver not in SOLVERS:
            raise ValueError(f"protocol.solver of linear is one of {', '.join(SOLVERS)}")
        for name in SOLVERS[self.solver].needs:
            if not getattr(self, name):
                raise ValueError(f"the solver {self.solver} needs protocol.{name}")
        return self


@dataclass(frozen=True)
class ProbeResult:
    """A solver's result. scores: test logits float [N, K]; chosen, curve, certificate: as in ``Outcome``."""

    scores: Tensor
    chosen: dict[str, float]
    curve: list[dict[str, float]] = field(default_factory=list)
    certificate: float | None = None


@dataclass(frozen=True)
class Solver:
    """A way to train a probe.

    place: ``"package.module:function"``, imported when a probe is trained, so that cards and tables need no torch; the
    function takes a protocol, task data and a label, and returns a :class:`ProbeResult`. needs: fields of the protocol
    that must be set. selects: whether its validation accuracies can choose between combinations of spaces.
    """

    place: str
    needs: tuple[str, ...]
    selects: bool = False

    def solve(self, protocol: LinearProtocol, data: TaskData, label: str) -> ProbeResult:
        """Choose hyper-parameters on validation images, train on train + val, and score the test images."""
        result: ProbeResult = import_place(self.place)(protocol, data, label)
        return result


SOLVERS: dict[str, Solver] = {
    # multinomial logistic regression, certified
    "path": Solver("loocbench.evaluators.convex_probe:solve_by_path", ("lambdas",), selects=True),
    # ridge regression of one-hot labels
    "ridge": Solver("loocbench.evaluators.convex_probe:solve_by_ridge", ("lambdas",)),
    # as in the paper
    "sgd": Solver("loocbench.evaluators.sgd_probe:solve_by_sgd", ("learning_rates", "epochs")),
}


class Linear(TaskKind[LinearProtocol]):
    """Top-1, top-5 where there are more than five classes, and mean per class, by one of ``SOLVERS``."""

    name = "linear"
    protocol = LinearProtocol
    label_use = "predicted"

    def metrics(self, protocol: LinearProtocol, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the names of ``probing.accuracy_metrics``."""
        return ("top1", "top5", "mean_per_class")

    def selects_features(self, protocol: LinearProtocol) -> bool:
        """Return whether the protocol's solver allows it."""
        return SOLVERS[protocol.solver].selects

    def evaluate(self, protocol: LinearProtocol, labels: Sequence[str], data: TaskData) -> Outcome:
        """Choose hyper-parameters on validation images, then evaluate on test images once."""
        from loocbench.evaluators import probing

        (label,) = labels
        found = SOLVERS[protocol.solver].solve(protocol, data, label)
        wanted = data.labels("test", label)
        return Outcome(
            probing.accuracy_metrics(found.scores, wanted, seed=data.seed),
            found.chosen,
            found.curve,
            found.certificate,
            items={
                "top1": probing.top_k_hits(found.scores, wanted, 1),
                PREDICTED: probing.predicted_classes(found.scores),
            },
        )


KIND = Linear()
