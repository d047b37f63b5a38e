"""Linear classifiers trained by Adam for a fixed number of iterations, many at once: the paper's few-shot protocol.

Not a solver with a certificate: what it gives is defined by its iterations.
"""

from __future__ import annotations

import inspect

import torch
from torch import Tensor
from torch.nn import functional as F

LEARNING_RATE, ITERATIONS = 0.03, 250


class PlainAdam(torch.optim.Adam):
    """torch's Adam that does not import torch's compiler, which would take two seconds of every process."""

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)
    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


def train_with_adam(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Full-batch Adam (betas 0.9, 0.999) on mean cross-entropy, from zero: weights [T, K, D], intercepts [T, K].

    features: float [T, n, D] of T problems; labels: int64 [T, n], values 0 .. K-1. Adam works on each weight by itself,
    so the problems do not mix. Learning rate and iterations: LooC, Flowers-102; batch size and start are not stated.
    """
    problems, count, dim = features.shape
    classes = int(labels.max()) + 1
    weights = torch.zeros(problems, classes, dim, device=features.device, requires_grad=True)
    intercepts = torch.zeros(problems, 1, classes, device=features.device, requires_grad=True)
    optimizer = PlainAdam([weights, intercepts], lr=LEARNING_RATE)
    targets = labels.reshape(-1)
    for _ in range(ITERATIONS):
        scores = torch.baddbmm(intercepts.expand(-1, count, -1), features, weights.transpose(1, 2))
        loss = F.cross_entropy(scores.reshape(-1, classes), targets, reduction="sum") / count
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward untyped
        optimizer.step()
    return weights.detach(), intercepts.detach()[:, 0]
