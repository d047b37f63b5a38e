"""What a space kept: whether its features move under a change, whether the change can be read off them, what it costs.

Three answers a change: *invariance*, the cosine between the features of an image and of its changed copy (1: nothing
moves); *equivariance*, how well a linear map predicts the change's amount from the changed image's features (the
information is there); and *top-1 loss*, what a classifier trained on unchanged images loses.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.cards.tasks import TaskCard
from loocbench.changes import applying
from loocbench.changes.ranges import range_of
from loocbench.errors import UserError
from loocbench.evaluators import episodes, probing, sampling, statistics
from loocbench.evaluators.subject import Rows, Subject
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.ridge import fit_ridge_path
from loocbench.types import Change, Metric, Outcome

_SPLITS = ("train", "val", "test")
_FEWEST = 2


def evaluate(card: TaskCard, subject: Subject) -> Outcome:
    """top1 of the unchanged test images, and for every change of the card, averaged over its strengths,
    CHANGE_invariance, CHANGE_equivariance (R², or accuracy where the change has classes) and CHANGE_top1_loss.

    Cosines are of features from which the training images' mean is taken, so that 0 is the likeness of two unrelated
    images. The linear map is a ridge regression, its strength chosen on validation. At most ``protocol.images`` of each
    split take part; the classifier is trained on all. curve: invariance and top-1 by strength. Raises UserError for
    splits of fewer than two images.
    """
    (factor,) = card.labels
    protocol = card.protocol
    train, val = probing.labelled(subject, factor)
    classifier = probing.train(train, val, protocol.lambdas, protocol.tolerance, subject.info)
    rows = {split: sampling.some(len(subject.items(split)), protocol.images, seed=subject.seed) for split in _SPLITS}
    if small := [split for split in _SPLITS if len(rows[split]) < _FEWEST]:
        raise UserError(f"sensitivity needs {_FEWEST} images of each split; {small[0]} has {len(rows[small[0]])}.")
    wanted = subject.labels("test", factor)[torch.from_numpy(rows["test"]).to(subject.device)]
    mean = train.features.mean().float()
    unchanged = subject.features("test", rows=rows["test"])

    def right(features: Tensor) -> Tensor:
        return (classifier.scores(features).argmax(dim=1) == wanted).double()

    before = right(unchanged)
    metrics: dict[str, Metric] = {"top1": statistics.share(before.bool().cpu().numpy())}
    items: dict[str, np.ndarray] = {"top1": before.bool().cpu().numpy()}
    curve = []
    for name in protocol.changes:
        cosines, losses = [], []
        for strength in range_of(name).strengths:
            features = subject.features("test", change=Change(name, strength, seed=subject.seed), rows=rows["test"])
            cosines.append(_cosine(features - mean, unchanged - mean))
            losses.append(before - right(features))
            point = {"invariance": float(cosines[-1].mean()), "top1": float((before - losses[-1]).mean())}
            curve.append({name: strength, **point})
        items |= {
            f"{name}_invariance": probing.mean_of_each(cosines),
            f"{name}_top1_loss": probing.mean_of_each(losses),
        }
        metrics[f"{name}_equivariance"] = _equivariance(name, subject, rows, protocol.lambdas)
    for name, values in items.items():
        if name not in metrics:
            metrics[name] = statistics.mean(values, seed=subject.seed)
    return Outcome(
        metrics,
        {"lambda": classifier.choice.strength},
        curve,
        classifier.certificate,
        draws=episodes.fingerprint(*rows.values()),
        items=items,
    )


def _equivariance(name: str, subject: Subject, rows: dict[str, Rows], lambdas: Iterable[float]) -> Metric:
    """R², or accuracy over the change's classes, of the best ridge regression from features to drawn strengths."""
    classes = range_of(name).classes
    features, targets = {}, {}
    for number, split in enumerate(_SPLITS):
        # The splits' images get draws of their own, since both are counted from 0.
        change = Change(name, drawn=True, seed=subject.seed * len(_SPLITS) + number)
        features[split] = subject.features(split, change=change, rows=rows[split])
        strengths = applying.strengths(change, rows[split].tolist())
        columns = (strengths[:, None] == np.array(classes)) if classes else strengths[:, None]
        targets[split] = torch.from_numpy(columns.astype(np.float64)).to(subject.device)
    # In units of its standard deviation a target means the same in degrees and in factors.
    unit = targets["train"].std() if not classes else 1.0
    scaled = probing.Scale.of(Blocks.of(features["train"]))
    path = fit_ridge_path(scaled(features["train"]), targets["train"] / unit, sorted(lambdas, reverse=True))
    values = {split: path.scores(scaled(features[split])) for split in ("val", "test")}

    def right(predicted: Tensor, split: str) -> np.ndarray:
        same: np.ndarray = (predicted.argmax(dim=1) == targets[split].argmax(dim=1)).cpu().numpy()
        return same

    def errors(predicted: Tensor) -> Tensor:
        return (predicted - targets["val"] / unit).square().mean()

    if classes:
        best = int(np.argmax([right(predicted, "val").mean() for predicted in values["val"]]))
        return statistics.share(right(values["test"][best], "test"))
    best = int(torch.stack([errors(predicted) for predicted in values["val"]]).argmin())
    predicted, wanted = values["test"][best][:, 0], (targets["test"] / unit)[:, 0]
    return statistics.r_squared(predicted.cpu().numpy(), wanted.cpu().numpy(), seed=subject.seed)


def _cosine(changed: Tensor, unchanged: Tensor) -> Tensor:
    """Float64 [N]; of features that did not move it is 1, also where a collapsed space has no direction."""
    moved = (changed != unchanged).any(dim=1)
    return torch.where(moved, F.cosine_similarity(changed, unchanged), 1.0).double()
