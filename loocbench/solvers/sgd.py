"""A linear classifier trained by SGD with momentum, for many learning rates at once: the paper's linear probe.

Not a solver with a certificate: what it gives is defined by its iterations. LooC states the learning rate (30), its
steps (x0.1 at 60 and 80 % of the epochs) and the batch size (256); momentum 0.9 and weight decay 0 are those of MoCo's
linear classifier, whose protocol it follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

MILESTONES, STEP, MOMENTUM = (0.6, 0.8), 0.1, 0.9
_START_STD = 0.01  # MoCo's, not stated by LooC

Batches = Iterable[tuple[Tensor, Tensor]]


def train_with_sgd(
    epochs: Callable[[int], Batches],
    *,
    dim: int,
    classes: int,
    learning_rates: Sequence[float],
    epoch_count: int,
    seed: int,
    milestones: Sequence[float] = MILESTONES,
    momentum: float = MOMENTUM,
    weight_decay: float = 0.0,
    watch: Callable[[int], None] | None = None,
) -> tuple[Tensor, Tensor]:
    """Weights [L, K, D] and intercepts [L, K] after ``epoch_count`` epochs of SGD on mean cross-entropy.

    epochs(e) gives the batches of epoch e = 0, 1, ...: features float [B, D] and labels int64 [B], values 0 .. K-1; all
    are trained on, on their device and in their dtype. milestones: shares of the epochs after which the learning rate
    is a tenth of what it was. watch(done) is called after every epoch.

    Each learning rate is trained as if it were alone: all start from the same weights, N(0, 0.01^2) drawn by ``seed``,
    and intercepts 0, and see the same batches. One that diverges ends with values that are not finite, which the caller
    must drop; it does not touch the others. Raises ValueError for a learning rate that is not positive, or without
    batches.
    """
    if not learning_rates or min(learning_rates) <= 0:
        raise ValueError("every learning rate must be positive")
    steps = [round(share * epoch_count) for share in milestones]
    state: _State | None = None
    for epoch in range(epoch_count):
        decay = STEP ** sum(step <= epoch for step in steps)
        for features, labels in epochs(epoch):
            if state is None:
                state = _State.start(features, dim, classes, learning_rates, seed)
            state.descend(features, labels, decay, momentum, weight_decay)
        if watch:
            watch(epoch + 1)
    if state is None:
        raise ValueError("there are no batches to train on")
    return state.weights.reshape(-1, classes, dim), state.intercepts.reshape(-1, classes)


@dataclass(frozen=True)
class _State:
    """L classifiers below one another, changed in place: a batch is one matrix product for all of them.

    weights [L K, D], intercepts [L K], their velocities alike; rates [L K], each classifier's learning rate K times;
    problems: L.
    """

    weights: Tensor
    intercepts: Tensor
    weights_velocity: Tensor
    intercepts_velocity: Tensor
    rates: Tensor
    problems: int

    @classmethod
    def start(cls, like: Tensor, dim: int, classes: int, learning_rates: Sequence[float], seed: int) -> _State:
        """On the device and in the dtype of ``like``; drawn on the CPU, so that every device starts alike."""
        drawn = torch.randn(classes, dim, generator=torch.Generator().manual_seed(seed)) * _START_STD
        weights = drawn.to(like).repeat(len(learning_rates), 1)
        rates = torch.tensor(learning_rates, dtype=torch.float64).repeat_interleave(classes).to(like)
        zeros = torch.zeros_like(rates)
        return cls(weights, zeros, torch.zeros_like(weights), zeros.clone(), rates, len(learning_rates))

    def descend(self, features: Tensor, labels: Tensor, decay: float, momentum: float, weight_decay: float) -> None:
        """One step on a batch. Rows of the products below do not mix: what is not finite in one stays there."""
        count = len(features)
        scores = torch.addmm(self.intercepts, features, self.weights.T).reshape(count, self.problems, -1)
        residual = torch.softmax(scores, dim=2)
        residual[torch.arange(count, device=labels.device), :, labels] -= 1
        residual = residual.reshape(count, -1)
        # torch.optim.SGD: velocity = momentum * velocity + gradient, the gradient with weight_decay * value added.
        self.weights_velocity.addmm_(residual.T, features, beta=momentum, alpha=1 / count)
        self.intercepts_velocity.mul_(momentum).add_(residual.sum(dim=0), alpha=1 / count)
        if weight_decay:
            self.weights_velocity.add_(self.weights, alpha=weight_decay)
            self.intercepts_velocity.add_(self.intercepts, alpha=weight_decay)
        self.weights.addcmul_(self.weights_velocity, self.rates[:, None], value=-decay)
        self.intercepts.addcmul_(self.intercepts_velocity, self.rates, value=-decay)
