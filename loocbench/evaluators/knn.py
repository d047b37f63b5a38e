"""Weighted nearest-neighbour classification; the number of neighbours is chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from loocbench.evaluators.task_kind import Count, TaskKind
from loocbench.types import PREDICTED, Frozen, Outcome

if TYPE_CHECKING:
    from torch import Tensor

    from loocbench.evaluators.task_data import TaskData


class KnnProtocol(Frozen):
    """neighbours: numbers of neighbours to choose from. temperature: of the vote weights exp(cosine / temperature)."""

    neighbours: Annotated[tuple[Count, ...], Field(min_length=1)]
    temperature: float = Field(0.07, gt=0)


class Knn(TaskKind[KnnProtocol]):
    """Top-1, top-5 where there are more than five classes, and mean per class."""

    name = "knn"
    protocol = KnnProtocol
    label_use = "predicted"

    def metrics(self, protocol: KnnProtocol, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the names of ``probing.accuracy_metrics``."""
        return ("top1", "top5", "mean_per_class")

    def evaluate(self, protocol: KnnProtocol, labels: Sequence[str], data: TaskData) -> Outcome:
        """Choose k by votes of train on val (ties: the smallest), then classify test by votes of train + val."""
        import torch

        from loocbench.evaluators import probing, sampling
        from loocbench.solvers.vote import weighted_votes

        (label,) = labels

        def read(split: str) -> tuple[Tensor, Tensor]:
            features, wanted = data.features(split), data.labels(split, label)
            order = torch.from_numpy(sampling.shuffle_rows(len(wanted), seed=data.seed)).to(wanted.device)
            return (features, wanted) if split == "test" else (features[order], wanted[order])

        train, val, test = read("train"), read("val"), read("test")
        # Numbers above that of the images all count every image: the first of them stands for all, and ends the curve.
        grid = sorted(protocol.neighbours)
        grid = [k for place, k in enumerate(grid) if place == 0 or grid[place - 1] < len(train[1])]
        votes = weighted_votes(*train, val[0], grid, protocol.temperature)
        right = (votes.argmax(dim=2) == val[1]).double().mean(dim=1)
        chosen = grid[int(right.argmax())]
        (scores,) = weighted_votes(
            torch.cat([train[0], val[0]]),
            torch.cat([train[1], val[1]]),
            test[0],
            [chosen],
            protocol.temperature,
        )
        scores[scores == 0] = -torch.inf  # a class without a vote never counts as predicted, not even in the top 5
        counted = [min(k, len(train[1])) for k in grid]
        curve = [{"neighbours": k, "val_top1": float(accuracy)} for k, accuracy in zip(counted, right, strict=True)]
        metrics = probing.accuracy_metrics(scores, test[1], seed=data.seed)
        items = {"top1": probing.top_k_hits(scores, test[1], 1), PREDICTED: probing.predicted_classes(scores)}
        return Outcome(metrics, {"neighbours": chosen}, curve, items=items)


KIND = Knn()
