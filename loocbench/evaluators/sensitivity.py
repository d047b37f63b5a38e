"""Sensitivity of features to image changes: invariance, equivariance and loss of accuracy.

Three metrics per change. *Invariance*: cosine between the features of an image and of its changed copy (1: the features
do not change). *Equivariance*: how well a linear map predicts the amount of the change from the changed image's
features (the information is kept). *Top-1 loss*: the accuracy that a classifier trained on unchanged images loses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from loocbench.changes.ranges import get_range
from loocbench.errors import UserError
from loocbench.evaluators.task_kind import Changes, Count, Grid, TaskKind, Tolerance
from loocbench.types import Change, Frozen, Metric, Outcome

if TYPE_CHECKING:
    from torch import Tensor

    from loocbench.evaluators.task_data import Rows, TaskData

_SPLITS = ("train", "val", "test")
_FEWEST = 2


class SensitivityProtocol(Frozen):
    """changes: names of the image changes. images: the most images of each split to use.

    lambdas, tolerance: L2 strengths and gradient bound of the classifier, which is trained on all images; the lambdas
    are also those of the linear map.
    """

    changes: Annotated[Changes, Field(min_length=1)]
    images: Count
    lambdas: Grid
    tolerance: Tolerance = 1e-5


class Sensitivity(TaskKind[SensitivityProtocol]):
    """top1 on the unchanged test images, and per change, averaged over its strengths, CHANGE_invariance,
    CHANGE_equivariance (R², or accuracy if the change has classes) and CHANGE_top1_loss.

    Cosines are of features centred by the training images' mean, so that unrelated images have about 0. The linear map
    is a ridge regression, its strength chosen on validation. curve: invariance and top-1 by strength.
    """

    name = "sensitivity"
    protocol = SensitivityProtocol
    label_use = "predicted"
    change_metrics = ("invariance", "equivariance", "top1_loss")

    def metrics(self, protocol: SensitivityProtocol, labels: Sequence[str]) -> tuple[str, ...]:
        """Return top1 and three names per change."""
        return ("top1", *(f"{change}_{name}" for change in protocol.changes for name in self.change_metrics))

    def headline(self, protocol: SensitivityProtocol, labels: Sequence[str]) -> str:
        """Return the first change's CHANGE_equivariance."""
        return f"{protocol.changes[0]}_equivariance"

    def evaluate(self, protocol: SensitivityProtocol, labels: Sequence[str], data: TaskData) -> Outcome:
        """Compare features of sampled images before and after each change.

        Raises UserError for a split with fewer than two images.
        """
        import torch

        from loocbench.evaluators import episode_sampling, probing, sampling, statistics

        (label,) = labels
        train, val = probing.read_train_and_val(data, label)
        classifier = probing.train_probe(train, val, protocol.lambdas, protocol.tolerance, data.info)
        rows = {
            split: sampling.sample_rows(len(data.items(split)), protocol.images, seed=data.seed) for split in _SPLITS
        }
        if small := [split for split in _SPLITS if len(rows[split]) < _FEWEST]:
            raise UserError(f"sensitivity needs {_FEWEST} images of each split; {small[0]} has {len(rows[small[0]])}.")
        wanted = data.labels("test", label)[torch.from_numpy(rows["test"]).to(data.device)]
        mean = train.features.mean().float()
        unchanged = data.features("test", rows=rows["test"])

        def right(features: Tensor) -> Tensor:
            return (classifier.scores(features).argmax(dim=1) == wanted).double()

        before = right(unchanged)
        metrics: dict[str, Metric] = {"top1": statistics.wilson_share(before.bool().cpu().numpy())}
        items: dict[str, np.ndarray] = {"top1": before.bool().cpu().numpy()}
        curve = []
        for name in protocol.changes:
            cosines, losses = [], []
            for strength in get_range(name).strengths:
                features = data.features("test", change=Change(name, strength, seed=data.seed), rows=rows["test"])
                cosines.append(_cosine(features - mean, unchanged - mean))
                losses.append(before - right(features))
                point = {"invariance": float(cosines[-1].mean()), "top1": float((before - losses[-1]).mean())}
                curve.append({name: strength, **point})
            items |= {
                f"{name}_invariance": probing.mean_per_image(cosines),
                f"{name}_top1_loss": probing.mean_per_image(losses),
            }
            equivariance = f"{name}_equivariance"
            metrics[equivariance], items[equivariance] = _measure_equivariance(name, data, rows, protocol.lambdas)
        for name, values in items.items():
            if name not in metrics:
                metrics[name] = statistics.bootstrap_mean(values, seed=data.seed)
        return Outcome(
            metrics,
            classifier.choice.chosen,
            curve,
            classifier.certificate,
            draws=episode_sampling.hash_rows(*rows.values()),
            items=items,
        )


def _measure_equivariance(
    name: str, data: TaskData, rows: Mapping[str, Rows], lambdas: Iterable[float]
) -> tuple[Metric, np.ndarray]:
    """Return R², or accuracy over the change's classes, of the best ridge regression from features to strengths.

    Also returns each test image's contribution [N], whose mean it is: whether its class was right, or 1 less its
    squared error in units of the targets' variance.
    """
    import torch

    from loocbench.changes import applying
    from loocbench.evaluators import probing, statistics
    from loocbench.solvers.blocks import Blocks
    from loocbench.solvers.ridge import fit_ridge_path

    classes = get_range(name).classes
    features, targets = {}, {}
    for number, split in enumerate(_SPLITS):
        # A seed per split, since the images of each split are numbered from 0 and would share draws.
        change = Change(name, drawn=True, seed=data.seed * len(_SPLITS) + number)
        features[split] = data.features(split, change=change, rows=rows[split])
        strengths = applying.draw_strengths(change, rows[split].tolist())
        columns = (strengths[:, None] == np.array(classes)) if classes else strengths[:, None]
        targets[split] = torch.from_numpy(columns.astype(np.float64)).to(data.device)
    # Targets in units of their standard deviation: a strength then means the same for degrees and for factors.
    unit = targets["train"].std() if not classes else 1.0
    scaled = probing.Scale.fit(Blocks.from_tensor(features["train"]))
    path = fit_ridge_path(scaled(features["train"]), targets["train"] / unit, sorted(lambdas, reverse=True))
    values = {split: path.scores(scaled(features[split])) for split in ("val", "test")}

    def right(predicted: Tensor, split: str) -> np.ndarray:
        same: np.ndarray = (predicted.argmax(dim=1) == targets[split].argmax(dim=1)).cpu().numpy()
        return same

    def errors(predicted: Tensor) -> Tensor:
        return (predicted - targets["val"] / unit).square().mean()

    if classes:
        best = int(np.argmax([right(predicted, "val").mean() for predicted in values["val"]]))
        hits = right(values["test"][best], "test")
        return statistics.wilson_share(hits), hits
    best = int(torch.stack([errors(predicted) for predicted in values["val"]]).argmin())
    predicted = values["test"][best][:, 0].cpu().numpy()
    wanted = (targets["test"] / unit)[:, 0].cpu().numpy()
    metric = statistics.r_squared(predicted, wanted, seed=data.seed)
    return metric, 1 - np.square(wanted - predicted) / np.square(wanted - wanted.mean()).mean()


def _cosine(changed: Tensor, unchanged: Tensor) -> Tensor:
    """Return cosines, float64 [N]; 1 for features that did not change, even zero vectors of a collapsed space."""
    import torch
    from torch.nn import functional as F

    moved = (changed != unchanged).any(dim=1)
    return torch.where(moved, F.cosine_similarity(changed, unchanged), 1.0).double()


KIND = Sensitivity()
