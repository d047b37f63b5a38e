"""Batch norm's running statistics when a batch is worked through in groups."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from loocbench.ranks import Ranks


class RunningStatistics:
    """Each group moves the running mean and variance from where they were before the batch; their average stays.

    So they are the same for G groups in one process and for G processes. (MoCo keeps those of its first GPU.)
    """

    def __init__(self, module: nn.Module, groups: int, ranks: Ranks) -> None:
        self._layers = [layer for layer in module.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
        self._groups, self._ranks = groups, ranks

    @torch.no_grad()
    def begin(self) -> None:
        """Before a batch."""
        statistics = [statistic for layer in self._layers for statistic in (layer.running_mean, layer.running_var)]
        self._running: list[Tensor] = [statistic for statistic in statistics if statistic is not None]
        counts = [layer.num_batches_tracked for layer in self._layers]
        self._counts: list[Tensor] = [count for count in counts if count is not None]
        self._before = [statistic.clone() for statistic in self._running]
        self._sums = [torch.zeros_like(statistic) for statistic in self._running]
        self._seen = [count + 1 for count in self._counts]

    @torch.no_grad()
    def end_group(self) -> None:
        """After a group's passes."""
        if not self._running:
            return
        torch._foreach_add_(self._sums, self._running)
        torch._foreach_copy_(self._running, self._before)

    @torch.no_grad()
    def end(self) -> None:
        """After the last group."""
        if not self._running:
            return
        flat = self._ranks.sum_(torch.cat([total.flatten() for total in self._sums])) / self._groups
        averages = torch.split(flat, [statistic.numel() for statistic in self._running])
        torch._foreach_copy_(self._running, list(averages))
        torch._foreach_copy_(self._counts, self._seen)
