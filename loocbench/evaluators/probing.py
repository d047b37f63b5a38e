"""Linear probes on frozen features: strength chosen on validation, refitted on train + validation, tested once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from loocbench.errors import UserError
from loocbench.evaluators import statistics
from loocbench.free_memory import free_memory
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.logistic import LogisticPath, fit_logistic_path
from loocbench.types import Metric

if TYPE_CHECKING:
    from loocbench.evaluators.task_data import TaskData
    from loocbench.solvers.ridge import RidgePath

TOP_5 = 5
_COPIES = 5  # of the features, in float64, that the path takes in memory


@dataclass(frozen=True)
class Choice:
    """What validation says. strength: the chosen lambda; accuracy: its top-1 on val; curve: that of every lambda."""

    strength: float
    accuracy: float
    curve: list[dict[str, float]]
    certificate: float


@dataclass(frozen=True)
class Labelled:
    """Features [N, D], which need not be in memory, and their labels int64 [N], values 0 .. K-1."""

    features: Blocks
    labels: Tensor

    def __add__(self, other: Labelled) -> Labelled:
        return Labelled(self.features.followed_by(other.features), torch.cat([self.labels, other.labels]))


@dataclass(frozen=True)
class Scale:
    """Features are centred and divided by one number, the training images' mean norm, so that a grid of strengths means
    the same for every network; single features are not standardised, so turning the feature basis changes nothing."""

    center: Tensor
    size: Tensor

    @classmethod
    def fit(cls, features: Blocks) -> Scale:
        """The scale of training features [N, D]."""
        center = features.mean()
        norms = [(block.double() - center).norm(dim=1).sum() for _, block in features]
        return cls(center, (torch.stack(norms).sum() / features.shape[0]).clamp(min=1e-12))

    def __call__(self, features: Tensor) -> Tensor:
        """Float64 [N, D]."""
        return (features.double() - self.center) / self.size


class ClassifierPath(Protocol):
    """Linear classifiers for L strengths."""

    @property
    def certificate(self) -> Tensor:
        """Gradient norms, float64 [L]."""

    def scores(self, features: Tensor) -> Tensor:
        """[L, N, K], the highest of which is the predicted class, of features [N, D]."""


Fit = Callable[[Labelled, Sequence[float], float, int | None], ClassifierPath]
"""(part, lambdas, tolerance, room) -> their path: how a probe is fitted."""


def fit_logistic(part: Labelled, lambdas: Sequence[float], tolerance: float, room: int | None) -> LogisticPath:
    """Multinomial logistic regression; in memory where ``room`` bytes are enough."""
    if _too_large(part, room):
        from loocbench.solvers.streamed import fit_streamed_path

        return fit_streamed_path(part.features, part.labels, lambdas, tolerance=tolerance)
    return fit_logistic_path(part.features.whole(), part.labels, lambdas, tolerance=tolerance)


def fit_ridge(part: Labelled, lambdas: Sequence[float], tolerance: float, room: int | None) -> RidgePath:
    """Ridge regression of one-hot labels, which always reads block by block: memory is D x D, not N x D."""
    from loocbench.solvers.ridge import fit_ridge_path

    return fit_ridge_path(part.features, part.labels, lambdas, tolerance=tolerance)


def choose_strength(
    train: Labelled,
    val: Labelled,
    lambdas: Sequence[float],
    tolerance: float,
    *,
    fit: Fit = fit_logistic,
    room: int | None = None,
) -> Choice:
    """Fit on train for every lambda and choose on val, in train's :class:`Scale`; of equally good ones the strongest.

    room: bytes that the fit may take, default half of what is free; features that need more are read block by block.
    """
    for part in (train, val):
        require_finite(part.features)
    scaled = Scale.fit(train.features)
    grid = sorted(lambdas, reverse=True)
    path = fit(_scale_features(scaled, train), grid, tolerance, room)
    right = torch.stack(
        [
            (path.scores(scaled(block)).argmax(dim=2) == val.labels[rows]).double().sum(dim=1)
            for rows, block in val.features
        ]
    ).sum(dim=0) / len(val.labels)
    best = int(np.argmax(right.cpu().numpy()))
    curve = [{"lambda": value, "val_top1": float(accuracy)} for value, accuracy in zip(grid, right, strict=True)]
    return Choice(grid[best], float(right[best]), curve, float(path.certificate.max()))


@dataclass(frozen=True)
class Classifier:
    """A linear classifier whose strength was chosen on validation, refitted on train and val.

    certificate: the largest of all gradient norms, those of the choice included.
    """

    choice: Choice
    certificate: float
    _path: ClassifierPath
    _scale: Scale

    def scores(self, features: Tensor) -> Tensor:
        """Logits [N, K] of features [N, D]."""
        return self._path.scores(self._scale(features))[0]

    def score_blocks(self, features: Blocks) -> Tensor:
        """The same, read a block at a time. Raises UserError for NaN or infinity."""
        require_finite(features)
        return torch.cat([self.scores(block) for _, block in features])


def train_probe(
    train: Labelled,
    val: Labelled,
    lambdas: Sequence[float],
    tolerance: float,
    info: Callable[[str], None] = lambda message: None,
    *,
    fit: Fit = fit_logistic,
    room: int | None = None,
) -> Classifier:
    """:func:`choose_strength` a strength and refit on train and val, all in train's :class:`Scale`."""
    count, dim = train.features.shape
    streamed = fit is fit_logistic and _too_large(train + val, room)
    info(f"fitting a linear probe on {count:,} x {dim:,} features{', read block by block' if streamed else ''}")
    choice = choose_strength(train, val, lambdas, tolerance, fit=fit, room=room)
    scaled = Scale.fit(train.features)
    final = fit(_scale_features(scaled, train + val), [choice.strength], tolerance, room)
    return Classifier(choice, max(choice.certificate, float(final.certificate.max())), final, scaled)


def read_train_and_val(data: TaskData, label: str) -> tuple[Labelled, Labelled]:
    """Return the training and validation features with their labels."""
    train, val = (Labelled(data.blocks(split), data.labels(split, label)) for split in ("train", "val"))
    return train, val


def accuracy_metrics(scores: Tensor, labels: Tensor, *, seed: int) -> dict[str, Metric]:
    """top1, top5 where there are more than five classes, and mean_per_class, of test scores [N, K] and labels [N].

    Intervals over images: Wilson's, and for mean_per_class the bootstrap that ``seed`` draws.
    """
    right = top_k_hits(scores, labels, 1)
    found = {"top1": statistics.wilson_share(right)}
    if scores.shape[1] > TOP_5:
        found["top5"] = statistics.wilson_share(top_k_hits(scores, labels, TOP_5))
    found["mean_per_class"] = statistics.mean_per_class(right, labels.cpu().numpy(), seed=seed)
    return found


def top_k_hits(scores: Tensor, labels: Tensor, k: int) -> np.ndarray:
    """Whether the label is among the k highest of the scores [N, K]: bool [N]. A score of -inf is never a hit."""
    best = scores.topk(k, dim=1)
    hits: np.ndarray = ((best.indices == labels[:, None]) & (best.values > -torch.inf)).any(dim=1).cpu().numpy()
    return hits


def mean_per_image(values: Sequence[Tensor]) -> np.ndarray:
    """Of every image's values [N], float64, the mean: [N]."""
    mean: np.ndarray = torch.stack(list(values)).mean(dim=0).cpu().numpy()
    return mean


def require_finite(features: Blocks) -> None:
    """Raise UserError for NaN or infinity."""
    if not all(bool(block.isfinite().all()) for _, block in features):
        raise UserError("the features hold NaN or infinity; is the checkpoint a finished, healthy run?")


def _scale_features(scaled: Scale, part: Labelled) -> Labelled:
    return Labelled(part.features.map(scaled), part.labels)


def _too_large(part: Labelled, room: int | None) -> bool:
    """Whether a fit in memory would take more than ``room``."""
    room = free_memory(part.labels.device) // 2 if room is None else room
    return _COPIES * 8 * part.features.shape[0] * part.features.shape[1] > room
