"""Linear probes on frozen features: L2 strength chosen on val, refitted on train + val, evaluated on test once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from loocbench.errors import UserError
from loocbench.evaluators import statistics
from loocbench.evaluators.strength_search import Choice, search_strength
from loocbench.free_memory import free_memory
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.logistic import LogisticPath, fit_logistic_path
from loocbench.types import Metric

if TYPE_CHECKING:
    from loocbench.evaluators.task_data import TaskData
    from loocbench.solvers.ridge import RidgePath

TOP_5 = 5
_COPIES = 5  # float64 copies of the features that a fit in memory allocates


@dataclass(frozen=True)
class Labelled:
    """Features [N, D], possibly on disk, and their labels int64 [N], values 0 .. K-1."""

    features: Blocks
    labels: Tensor

    def __add__(self, other: Labelled) -> Labelled:
        return Labelled(self.features.followed_by(other.features), torch.cat([self.labels, other.labels]))


@dataclass(frozen=True)
class Scale:
    """Centres features and divides them by one number, the mean norm of the centred training features.

    A grid of strengths thus means the same for every network. Single dimensions are not standardised, so that rotating
    the feature basis changes nothing.
    """

    center: Tensor
    size: Tensor

    @classmethod
    def fit(cls, features: Blocks) -> Scale:
        """Compute the scale of training features [N, D]."""
        center = features.mean()
        norms = [(block.double() - center).norm(dim=1).sum() for _, block in features]
        return cls(center, (torch.stack(norms).sum() / features.shape[0]).clamp(min=1e-12))

    def __call__(self, features: Tensor) -> Tensor:
        """Return scaled features, float64 [N, D]."""
        return (features.double() - self.center) / self.size


class ClassifierPath(Protocol):
    """Linear classifiers, one per strength (L of them)."""

    @property
    def certificate(self) -> Tensor:
        """Gradient norms, float64 [L]."""

    def scores(self, features: Tensor) -> Tensor:
        """Return scores [L, N, K] of features [N, D]; the highest is the predicted class."""


Fit = Callable[[Labelled, Sequence[float], float, int | None], ClassifierPath]
"""(training data, lambdas, tolerance, bytes of memory) -> classifiers: the signature of a fit."""


def fit_logistic(part: Labelled, lambdas: Sequence[float], tolerance: float, room: int | None) -> LogisticPath:
    """Fit multinomial logistic regressions, in memory if ``room`` bytes suffice, else reading block by block."""
    if _too_large(part, room):
        from loocbench.solvers.streamed import fit_streamed_path

        return fit_streamed_path(part.features, part.labels, lambdas, tolerance=tolerance)
    return fit_logistic_path(part.features.whole(), part.labels, lambdas, tolerance=tolerance)


def fit_ridge(part: Labelled, lambdas: Sequence[float], tolerance: float, room: int | None) -> RidgePath:
    """Fit ridge regressions of one-hot labels, reading block by block: memory is D x D, not N x D."""
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
    """Fit on train for every lambda, in train's :class:`Scale`, and choose the best on val; see ``strength_search``.

    room: bytes that the fit may use, default half of the free memory; features that need more are read block by block.
    """
    for part in (train, val):
        require_finite(part.features)
    scaled = Scale.fit(train.features)
    fitted = _scale_features(scaled, train)

    def evaluate(strengths: Sequence[float]) -> tuple[list[float], float]:
        path = fit(fitted, strengths, tolerance, room)
        right = torch.stack(
            [
                (path.scores(scaled(block)).argmax(dim=2) == val.labels[rows]).double().sum(dim=1)
                for rows, block in val.features
            ]
        ).sum(dim=0) / len(val.labels)
        return right.tolist(), float(path.certificate.max())

    return search_strength(lambdas, evaluate)


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
        """Return logits [N, K] of features [N, D]."""
        return self._path.scores(self._scale(features))[0]

    def score_blocks(self, features: Blocks) -> Tensor:
        """Return logits [N, K], reading a block at a time. Raises UserError for NaN or infinity."""
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
    if choice.at_bound:
        info(f"lambda {choice.strength:g} is the best on validation images and the last that is tried")
    scaled = Scale.fit(train.features)
    final = fit(_scale_features(scaled, train + val), [choice.strength], tolerance, room)
    return Classifier(choice, max(choice.certificate, float(final.certificate.max())), final, scaled)


def read_train_and_val(data: TaskData, label: str) -> tuple[Labelled, Labelled]:
    """Return the training and the validation features with their labels."""
    train, val = (Labelled(data.blocks(split), data.labels(split, label)) for split in ("train", "val"))
    return train, val


def accuracy_metrics(scores: Tensor, labels: Tensor, *, seed: int) -> dict[str, Metric]:
    """Return top1, top5 (if there are more than five classes) and mean_per_class of scores [N, K] and labels [N].

    Intervals are over images: Wilson's, and for mean_per_class a bootstrap seeded by ``seed``.
    """
    right = top_k_hits(scores, labels, 1)
    found = {"top1": statistics.wilson_share(right)}
    if scores.shape[1] > TOP_5:
        found["top5"] = statistics.wilson_share(top_k_hits(scores, labels, TOP_5))
    found["mean_per_class"] = statistics.mean_per_class(right, labels.cpu().numpy(), seed=seed)
    return found


def top_k_hits(scores: Tensor, labels: Tensor, k: int) -> np.ndarray:
    """Return whether the label is among the k highest scores [N, K]: bool [N]. A score of -inf is never a hit."""
    best = scores.topk(k, dim=1)
    hits: np.ndarray = ((best.indices == labels[:, None]) & (best.values > -torch.inf)).any(dim=1).cpu().numpy()
    return hits


def predicted_classes(scores: Tensor) -> np.ndarray:
    """Return the class with the highest of scores [N, K], as ``top_k_hits`` takes it: int64 [N]."""
    best: np.ndarray = scores.topk(1, dim=1).indices[:, 0].cpu().numpy()
    return best


def mean_per_image(values: Sequence[Tensor]) -> np.ndarray:
    """Return each image's mean over several float64 arrays [N]: [N]."""
    mean: np.ndarray = torch.stack(list(values)).mean(dim=0).cpu().numpy()
    return mean


def require_finite(features: Blocks) -> None:
    """Raise UserError for NaN or infinity."""
    if not all(bool(block.isfinite().all()) for _, block in features):
        raise UserError("the features hold NaN or infinity; is the checkpoint a finished, healthy run?")


def _scale_features(scaled: Scale, part: Labelled) -> Labelled:
    return Labelled(part.features.map(scaled), part.labels)


def _too_large(part: Labelled, room: int | None) -> bool:
    """Return whether a fit in memory would need more than ``room`` bytes (default: half of the free memory)."""
    room = free_memory(part.labels.device) // 2 if room is None else room
    return _COPIES * 8 * part.features.shape[0] * part.features.shape[1] > room
