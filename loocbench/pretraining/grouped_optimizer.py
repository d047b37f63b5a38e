"""Gradient descent on a batch that is worked through in groups: activations take the memory of one group."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from loocbench.pretraining.batch_norm import RunningStatistics
from loocbench.pretraining.layout import Share
from loocbench.ranks import Ranks, without_sync
from loocbench.types import Recipe


class PlainSGD(torch.optim.SGD):
    """torch's SGD that does not import torch's compiler.

    Optimisers import it, for seconds of every process, to keep it away from themselves; here they are not compiled.
    """

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)
    state_dict = inspect.unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))


class GroupedOptimizer:
    """SGD with accumulated gradients. model: what to call instead of ``module`` for the forward pass. sgd: torch's
    optimiser. scaler: of float16's losses."""

    def __init__(self, recipe: Recipe, module: nn.Module, device: torch.device, ranks: Ranks) -> None:
        self.model = ranks.parallel(module)
        self._parameters = list(module.parameters())
        self.sgd = PlainSGD(
            self._parameters,
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            foreach=True,  # the same arithmetic in fewer calls
        )
        # float16's gradients would fall below its smallest number; bfloat16 has float32's range.
        self.scaler = torch.amp.GradScaler(device.type, enabled=recipe.precision == "float16")
        self._ranks = ranks
        self._statistics = RunningStatistics(module, recipe.groups, ranks) if recipe.groups > 1 else None

    def step(self, share: Share, compute_losses: Callable[[int], Tensor]) -> Tensor:
        """Take one step down the gradient of the losses' mean over the batch.

        compute_losses(group) returns the losses [S] of one of the share's query groups, averaged over it. Negatives do
        not come from the batch, so that adding up the groups' gradients is exact for any groups. Returns the batch's
        losses [S], detached; where one of them or the gradient is not finite they are NaN and no weight is changed.
        """
        self.sgd.zero_grad(set_to_none=True)
        if self._statistics:
            self._statistics.begin()
        total = self._backward(share, compute_losses)
        if self._statistics:
            self._statistics.end()
        self._ranks.sum_(total)
        if not self.scaler.is_enabled():  # the scaler looks for overflow by itself, which is ordinary in float16
            gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
            total = torch.where(nn.utils.get_total_norm(gradients).isfinite(), total, torch.nan)
        if torch.isfinite(total).all():
            self.scaler.step(self.sgd)
            self.scaler.update()
        return total

    def _backward(self, share: Share, compute_losses: Callable[[int], Tensor]) -> Tensor:
        parts: list[Tensor] = []
        groups: Sequence[float] = [len(rows) / share.count for rows in share.queries]
        for number, weight in enumerate(groups[:-1]):
            with without_sync(self.model):
                parts.append(self._one_group(number, weight, compute_losses))
        parts.append(self._one_group(len(groups) - 1, groups[-1], compute_losses))
        return torch.stack(parts).sum(dim=0)

    def _one_group(self, number: int, weight: float, compute_losses: Callable[[int], Tensor]) -> Tensor:
        losses = compute_losses(number) * weight
        # DistributedDataParallel divides by the number of processes; the weights are of the whole batch already.
        objective = losses.mean() * self._ranks.world
        self.scaler.scale(objective).backward()  # type: ignore[no-untyped-call]  # torch leaves backward untyped
        if self._statistics:  # backward reads them
            self._statistics.end_group()
        return losses.detach()
