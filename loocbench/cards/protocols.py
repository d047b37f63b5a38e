"""What a task card may say of how features are judged, and which metrics each evaluator gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from loocbench.changes.names import CORRUPTIONS
from loocbench.types import Frozen

Evaluator = Literal[
    "linear", "knn", "few-shot", "episodes", "rotation", "retrieval", "controlled", "robustness", "sensitivity"
]
Solver = Literal["path", "adam", "ridge", "sgd"]
COLOR = "color"
RANKING = ("recall1", "recall5", "recall10", "map", "map_at_r", "r_precision")
CLASSIFIERS = ("linear", "knn", "few-shot", "episodes", "robustness", "sensitivity")


class Protocol(Frozen):
    """How features are judged.

    solver: of a probe or of few shots. lambdas, tolerance: strengths, and the bound on the gradient norm.
    learning_rates, epochs, batch_size, augment: of SGD, and whether it sees random crops and flips.
    neighbours, temperature: how many vote, and how their votes are weighted.
    shots, trials, ways, queries: images a class to learn from, how often they are drawn; of episodes also how many
    classes, and queries a class.
    changes, images: what is done to test images (see ``loocbench.changes``), and to how many of them at most.
    """

    solver: Solver = "path"
    lambdas: tuple[float, ...] = ()
    tolerance: float = Field(1e-5, gt=0)
    learning_rates: tuple[float, ...] = ()
    epochs: int = Field(0, ge=0)
    batch_size: int = Field(256, ge=1)
    augment: bool = False
    neighbours: tuple[int, ...] = ()
    temperature: float = Field(0.07, gt=0)
    shots: int = Field(0, ge=0)
    trials: int = Field(0, ge=0)
    ways: int = Field(0, ge=0)
    queries: int = Field(0, ge=0)
    changes: tuple[str, ...] = ()
    images: int = Field(0, ge=0)

    def lacking(self, evaluator: Evaluator) -> str:
        """What an evaluator needs and this protocol lacks, or nothing."""
        grids = (self.lambdas, self.learning_rates, self.neighbours)
        if any(value <= 0 for grid in grids for value in grid):
            return "protocol.lambdas, learning_rates and neighbours must be positive"
        if evaluator in ("linear", "few-shot") and self.solver not in _SOLVERS[evaluator]:
            return f"protocol.solver of {evaluator} is one of {', '.join(_SOLVERS[evaluator])}"
        if evaluator == "linear" and self.solver == "sgd":
            return "" if self.learning_rates and self.epochs else "SGD needs protocol.learning_rates and epochs"
        solved = evaluator in ("linear", "rotation", "episodes", "robustness", "sensitivity")
        if (solved or (evaluator == "few-shot" and self.solver == "path")) and not self.lambdas:
            return "a probe needs protocol.lambdas"
        if evaluator == "knn" and not self.neighbours:
            return "kNN needs protocol.neighbours"
        if evaluator in ("few-shot", "episodes") and not (self.shots and self.trials):
            return "few-shot tasks need protocol.shots and protocol.trials"
        if evaluator == "episodes" and not (self.ways > 1 and self.queries and len(self.lambdas) == 1):
            return "episodes need protocol.ways, protocol.queries and exactly one of protocol.lambdas"
        if evaluator in ("controlled", "sensitivity") and not self.changes:
            return f"{evaluator} needs protocol.changes"
        if self.changes and not self.images:
            return "protocol.changes needs protocol.images"
        return ""


_SOLVERS: dict[str, tuple[Solver, ...]] = {"linear": ("path", "ridge", "sgd"), "few-shot": ("path", "adam")}


def metrics(evaluator: Evaluator, labels: Sequence[str], changes: Sequence[str]) -> tuple[str, ...]:
    """The metrics that an evaluator may give."""
    if evaluator in ("linear", "knn"):
        return ("top1", "top5", "mean_per_class")
    if evaluator == "retrieval":
        kinds = [*labels, *([COLOR] if COLOR not in labels else [])]
        kinds += [together(kinds)] if len(kinds) > 1 else []
        own = tuple(f"{kind}_{name}" for kind in kinds for name in RANKING)
        return own if COLOR in labels else (*own, "color_agreement")
    if evaluator == "controlled":
        return tuple(f"{change}_{name}" for change in changes for name in ("kept", "first"))
    if evaluator == "sensitivity":
        names = ("invariance", "equivariance", "top1_loss")
        return ("top1", *(f"{change}_{name}" for change in changes for name in names))
    if evaluator == "robustness":
        kinds = [*CORRUPTIONS, *(name for group in CORRUPTIONS.values() for name in group)]
        return ("top1", "clean_top1", *(f"{kind}_top1" for kind in kinds))
    return ("top1",)


def together(kinds: Sequence[str]) -> str:
    """How retrieval names a match in all of several labels."""
    return "_and_".join(kinds)
