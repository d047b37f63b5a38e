"""Linear probes on frozen features: strength chosen on validation, refitted on train + validation, tested once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loocbench.errors import UserError
from loocbench.solvers.logistic import LogisticPath, fit_logistic_path


@dataclass(frozen=True)
class Probe:
    """A fitted probe. scores: test logits [N, K]; strength: the chosen lambda; curve: validation accuracy by lambda."""

    scores: Tensor
    strength: float
    curve: list[dict[str, float]]
    certificate: float


@dataclass(frozen=True)
class Labelled:
    """Features float [N, D] and their labels int64 [N], values 0 .. K-1."""

    features: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Scale:
    """Features are centred and divided by one number, the training images' mean norm, so that a grid of strengths means
    the same for every network; single features are not standardised, so turning the feature basis changes nothing."""

    center: Tensor
    size: Tensor

    @classmethod
    def of(cls, features: Tensor) -> Scale:
        """The scale of training features [N, D]."""
        center = features.double().mean(dim=0)
        return cls(center, (features.double() - center).norm(dim=1).mean().clamp(min=1e-12))

    def __call__(self, features: Tensor) -> Tensor:
        """Float64 [N, D]."""
        return (features.double() - self.center) / self.size


def probe(
    train: Labelled,
    val: Labelled,
    test: Labelled,
    lambdas: Sequence[float],
    tolerance: float,
    say: Callable[[str], None] = lambda message: None,
) -> Probe:
    """Fit on train for every lambda, choose on val, refit on both, and score test, all in train's :class:`Scale`.

    Of equally good strengths the strongest is chosen.
    """
    for part in (train, val, test):
        if not part.features.isfinite().all():
            raise UserError("the features hold NaN or infinity; is the checkpoint a finished, healthy run?")
    scaled = Scale.of(train.features)
    grid = sorted(lambdas, reverse=True)
    say(f"fitting a linear probe on {len(train.labels):,} x {train.features.shape[1]:,} features")
    path = fit_logistic_path(scaled(train.features), train.labels, grid, tolerance=tolerance)
    right = (path.predict(scaled(val.features)) == val.labels).double().mean(dim=1)
    strength = grid[int(np.argmax(right.cpu().numpy()))]
    both = fit_logistic_path(
        scaled(torch.cat([train.features, val.features])),
        torch.cat([train.labels, val.labels]),
        [strength],
        tolerance=tolerance,
    )
    return Probe(
        scores=both.scores(scaled(test.features))[0],
        strength=strength,
        curve=[{"lambda": value, "val_top1": float(accuracy)} for value, accuracy in zip(grid, right, strict=True)],
        certificate=_worst(path, both),
    )


def correct(scores: Tensor, labels: Tensor, k: int) -> np.ndarray:
    """Whether the label is among the k highest of the scores [N, K]: bool [N]."""
    hits: np.ndarray = (scores.topk(k, dim=1).indices == labels[:, None]).any(dim=1).cpu().numpy()
    return hits


def _worst(*paths: LogisticPath) -> float:
    return max(float(path.certificate.max()) for path in paths)
