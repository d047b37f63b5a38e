"""Linear probes on frozen features: strength chosen on validation, refitted on train + validation, tested once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loocbench.errors import UserError
from loocbench.evaluators import statistics
from loocbench.free_memory import free_memory
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.logistic import LogisticPath, fit_logistic_path
from loocbench.solvers.streamed import fit_streamed_path
from loocbench.types import Metric

TOP_5 = 5
_COPIES = 5  # of the features, in float64, that the path takes in memory


@dataclass(frozen=True)
class Probe:
    """A fitted probe. scores: test logits [N, K]; strength: the chosen lambda; curve: validation accuracy by lambda."""

    scores: Tensor
    strength: float
    curve: list[dict[str, float]]
    certificate: float


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
        return Labelled(self.features.above(other.features), torch.cat([self.labels, other.labels]))


@dataclass(frozen=True)
class Scale:
    """Features are centred and divided by one number, the training images' mean norm, so that a grid of strengths means
    the same for every network; single features are not standardised, so turning the feature basis changes nothing."""

    center: Tensor
    size: Tensor

    @classmethod
    def of(cls, features: Blocks) -> Scale:
        """The scale of training features [N, D]."""
        center = features.mean()
        norms = [(block.double() - center).norm(dim=1).sum() for _, block in features]
        return cls(center, (torch.stack(norms).sum() / features.shape[0]).clamp(min=1e-12))

    def __call__(self, features: Tensor) -> Tensor:
        """Float64 [N, D]."""
        return (features.double() - self.center) / self.size


def choose(
    train: Labelled, val: Labelled, lambdas: Sequence[float], tolerance: float, *, room: int | None = None
) -> Choice:
    """Fit on train for every lambda and choose on val, in train's :class:`Scale`; of equally good ones the strongest.

    room: bytes that the fit may take, default half of what is free; features that need more are read block by block.
    """
    for part in (train, val):
        _require_finite(part)
    scaled = Scale.of(train.features)
    grid = sorted(lambdas, reverse=True)
    path = _fit(_in(scaled, train), grid, tolerance, room)
    right = torch.stack(
        [(path.predict(scaled(block)) == val.labels[rows]).double().sum(dim=1) for rows, block in val.features]
    ).sum(dim=0) / len(val.labels)
    best = int(np.argmax(right.cpu().numpy()))
    curve = [{"lambda": value, "val_top1": float(accuracy)} for value, accuracy in zip(grid, right, strict=True)]
    return Choice(grid[best], float(right[best]), curve, float(path.certificate.max()))


def probe(
    train: Labelled,
    val: Labelled,
    test: Labelled,
    lambdas: Sequence[float],
    tolerance: float,
    say: Callable[[str], None] = lambda message: None,
    *,
    room: int | None = None,
) -> Probe:
    """:func:`choose` a strength, refit on train and val, and score test, all in train's :class:`Scale`."""
    _require_finite(test)
    count, dim = train.features.shape
    streamed = _too_large(train + val, room)
    say(f"fitting a linear probe on {count:,} x {dim:,} features{', read block by block' if streamed else ''}")
    choice = choose(train, val, lambdas, tolerance, room=room)
    scaled = Scale.of(train.features)
    final = _fit(_in(scaled, train + val), [choice.strength], tolerance, room)
    return Probe(
        scores=torch.cat([final.scores(scaled(block))[0] for _, block in test.features]),
        strength=choice.strength,
        curve=choice.curve,
        certificate=max(choice.certificate, float(final.certificate.max())),
    )


def metrics(scores: Tensor, labels: Tensor) -> dict[str, Metric]:
    """top1, and top5 where there are more than five classes, of test scores [N, K]; Wilson's interval over images."""
    found = {"top1": statistics.share(correct(scores, labels, 1))}
    if scores.shape[1] > TOP_5:
        found["top5"] = statistics.share(correct(scores, labels, TOP_5))
    return found


def correct(scores: Tensor, labels: Tensor, k: int) -> np.ndarray:
    """Whether the label is among the k highest of the scores [N, K]: bool [N]."""
    hits: np.ndarray = (scores.topk(k, dim=1).indices == labels[:, None]).any(dim=1).cpu().numpy()
    return hits


def _require_finite(part: Labelled) -> None:
    if not all(bool(block.isfinite().all()) for _, block in part.features):
        raise UserError("the features hold NaN or infinity; is the checkpoint a finished, healthy run?")


def _in(scaled: Scale, part: Labelled) -> Labelled:
    return Labelled(part.features.map(scaled), part.labels)


def _fit(part: Labelled, grid: Sequence[float], tolerance: float, room: int | None) -> LogisticPath:
    if _too_large(part, room):
        return fit_streamed_path(part.features, part.labels, grid, tolerance=tolerance)
    return fit_logistic_path(part.features.whole(), part.labels, grid, tolerance=tolerance)


def _too_large(part: Labelled, room: int | None) -> bool:
    """Whether a fit in memory would take more than ``room``."""
    room = free_memory(part.labels.device) // 2 if room is None else room
    return _COPIES * 8 * part.features.shape[0] * part.features.shape[1] > room
