"""Robustness: accuracy on corrupted or out-of-distribution images of a classifier trained on clean ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, model_validator

from loocbench.changes.names import CORRUPTIONS
from loocbench.changes.ranges import CORRUPTION, get_range
from loocbench.errors import UserError
from loocbench.evaluators.task_kind import Changes, Grid, TaskKind, Tolerance
from loocbench.types import Change, Frozen, Metric, Outcome

if TYPE_CHECKING:
    from loocbench.evaluators.probing import Classifier
    from loocbench.evaluators.task_data import TaskData

Array = np.ndarray


class RobustnessProtocol(Frozen):
    """lambdas, tolerance: L2 strengths to choose from and gradient bound of the linear classifier.

    changes: corruptions of at most ``images`` of the data set's own test images; without changes the classifier is
    evaluated on the task's other data set.
    """

    lambdas: Grid
    tolerance: Tolerance = 1e-5
    changes: Changes = ()
    images: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _check_images(self) -> RobustnessProtocol:
        if self.changes and not self.images:
            raise ValueError("protocol.changes needs protocol.images")
        return self


class Robustness(TaskKind[RobustnessProtocol]):
    """Top-1 on clean, corrupted and out-of-distribution images.

    clean_top1: on the data set's test images. top1: on the others, averaged over corruptions and severities.
    NAME_top1: of a corruption or a group of corruptions, averaged over severities. curve: by corruption and severity.
    Intervals are over photographs, not over their copies. Predictions are among all of the classifier's classes, even
    if the other data set has fewer.
    """

    name = "robustness"
    protocol = RobustnessProtocol
    label_use = "predicted"

    def metrics(self, protocol: RobustnessProtocol, labels: Sequence[str]) -> tuple[str, ...]:
        """Return top1, clean_top1, and the top-1 of every corruption and group of corruptions."""
        kinds = [*CORRUPTIONS, *(name for group in CORRUPTIONS.values() for name in group)]
        return ("top1", "clean_top1", *(f"{kind}_top1" for kind in kinds))

    def evaluate(self, protocol: RobustnessProtocol, labels: Sequence[str], data: TaskData) -> Outcome:
        """Train on clean images, then evaluate on corrupted copies or on the other data set."""
        from loocbench.evaluators import probing, statistics

        (label,) = labels
        train, val = probing.read_train_and_val(data, label)
        classifier = probing.train_probe(train, val, protocol.lambdas, protocol.tolerance, data.info)
        clean = probing.top_k_hits(classifier.score_blocks(data.blocks("test")), data.labels("test", label), 1)
        metrics = {"clean_top1": statistics.wilson_share(clean)}
        found = (
            _judge_corrupted(protocol, label, data, classifier)
            if protocol.changes
            else _judge_elsewhere(label, data, classifier)
        )
        curve = [
            {name: severity, "top1": float(right.mean())} for (name, severity), right in found.right.items() if name
        ]
        for group, names in {"": found.names, **{name: (name,) for name in found.names}, **CORRUPTIONS}.items():
            if metric := found.metric(names, data.seed):
                metrics[f"{group}_top1" if group else "top1"] = metric
        return Outcome(
            metrics,
            classifier.choice.chosen,
            curve,
            classifier.certificate,
            draws=found.draws,
            items={"top1": found.by_photograph(found.names), "clean_top1": clean},
        )


class _Recognised:
    """Which images were classified correctly, by corruption and severity.

    right[corruption, severity]: bool [M]; photographs[...]: int64 [M], the number of the photograph, below ``count``,
    that an image is a copy of. Images without a corruption have the name "". draws: the fingerprint of the drawn
    photographs, empty if all of the split are used.
    """

    def __init__(self, count: int, draws: str = "") -> None:
        self.count = count
        self.draws = draws
        self.right: dict[tuple[str, float], Array] = {}
        self.photographs: dict[tuple[str, float], Array] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _ in self.right))

    def by_photograph(self, names: tuple[str, ...]) -> Array:
        """Return the share of correct copies of each photograph that has a copy, float64."""
        right, copies = np.zeros(self.count), np.zeros(self.count)
        for key, values in self.right.items():
            if key[0] in names:
                np.add.at(right, self.photographs[key], values)
                np.add.at(copies, self.photographs[key], 1)
        return right[copies > 0] / copies[copies > 0]

    def metric(self, names: tuple[str, ...], seed: int) -> Metric | None:
        from loocbench.evaluators import statistics

        values = self.by_photograph(names)
        if not len(values):
            return None
        uncorrupted = names == ("",)  # one copy each: images are independent
        return statistics.wilson_share(values > 0) if uncorrupted else statistics.bootstrap_mean(values, seed=seed)


def _judge_corrupted(protocol: RobustnessProtocol, label: str, data: TaskData, classifier: Classifier) -> _Recognised:
    """Classify at most ``protocol.images`` test images under every corruption and severity of the card."""
    import torch

    from loocbench.evaluators import episode_sampling, probing, sampling

    every = data.labels("test", label)
    rows = sampling.sample_rows(len(every), protocol.images, seed=data.seed)
    labels = every[torch.from_numpy(rows).to(every.device)]
    found = _Recognised(len(labels), episode_sampling.hash_rows(rows) if len(rows) < len(every) else "")
    for name in protocol.changes:
        for severity in get_range(name).strengths:
            features = data.features("test", change=Change(name, severity, seed=data.seed), rows=rows)
            key = name.removeprefix(CORRUPTION), severity
            found.right[key] = probing.top_k_hits(classifier.scores(features), labels, 1)
            found.photographs[key] = np.arange(len(labels))
    return found


def _judge_elsewhere(label: str, data: TaskData, classifier: Classifier) -> _Recognised:
    """Classify the other data set's test images; its classes are matched to the classifier's by name.

    Raises UserError for a class that the classifier lacks.
    """
    import torch

    from loocbench.evaluators import probing

    other, known = data.elsewhere(), list(data.names("test", label))
    if unknown := [name for name in other.names("test", label) if name not in known]:
        here, there = data.dataset_name, other.dataset_name
        raise UserError(
            f"{there} has {len(unknown)} classes that {here} lacks here ({unknown[0]} is one), and no classifier "
            f"trained on it can name them; get the whole {here}."
        )
    own = torch.tensor([known.index(name) for name in other.names("test", label)], device=other.device)
    labels = own[other.labels("test", label)]
    right = probing.top_k_hits(classifier.score_blocks(other.blocks("test")), labels, 1)
    kinds, severities = _corruptions(other, len(right))
    photographs = np.arange(len(right))
    if any(kinds):  # corrupted copies of a photograph share its class folder and file name
        names = ["/".join(item.split("/")[-2:]) for item in other.items("test")]
        photographs = np.unique(names, return_inverse=True)[1]
    found = _Recognised(int(photographs.max()) + 1)
    rows = defaultdict(list)
    for row, key in enumerate(zip(kinds, severities, strict=True)):
        rows[key].append(row)
    for key, chosen in rows.items():
        found.right[key], found.photographs[key] = right[chosen], photographs[chosen]
    return found


def _corruptions(other: TaskData, count: int) -> tuple[list[str], list[float]]:
    """Return corruption and severity of each image; ("", 0) if the data set has no such labels."""
    if "corruption" not in other.factors("test"):
        return [""] * count, [0.0] * count
    kinds, levels = other.names("test", "corruption"), other.names("test", "severity")
    corruption, severity = (other.labels("test", name).tolist() for name in ("corruption", "severity"))
    return [kinds[number] for number in corruption], [float(levels[number]) for number in severity]


KIND = Robustness()
