"""The processes of a run: a single one, or those that torchrun started. A single one does not communicate."""

from __future__ import annotations

import datetime
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from loocbench.errors import SharedError, UserError

_T = TypeVar("_T")
_PATIENCE = datetime.timedelta(days=1)  # the others wait while the first decodes a data set


@dataclass(frozen=True)
class Ranks:
    """This process's ``rank`` among ``world``. patient: the process group with a long timeout."""

    rank: int = 0
    world: int = 1
    patient: Any = None

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes and shows."""
        return self.rank == 0

    def sum_(self, tensor: Tensor) -> Tensor:
        """``tensor``, summed over all processes in place: the same bits on each."""
        if self.world > 1:
            dist.all_reduce(tensor)
        return tensor

    def largest(self, value: int) -> int:
        """Return the maximum of ``value`` over all processes."""
        if self.world == 1:
            return value
        box = torch.tensor(value)
        dist.all_reduce(box, dist.ReduceOp.MAX)
        return int(box)

    def broadcast_from_main(self, decide: Callable[[], _T]) -> _T:
        """Return the result of ``decide`` in the main process. If it raises there, the others raise SharedError."""
        if self.first:
            return self._told(decide, lambda verdict: verdict)
        return self._heard()

    def first_then_others(self, work: Callable[[], _T]) -> _T:
        """Run ``work`` in the main process, then in the others, which find its results. Raises as above."""
        if self.first:
            return self._told(work, lambda _: None)
        self._heard()
        return work()

    def _told(self, work: Callable[[], _T], what: Callable[[_T], Any]) -> _T:
        """Run ``work`` and send the others ``what`` of its result, or that it failed."""
        try:
            result = work()
        except UserError:
            self.agree((False, None))
            raise
        self.agree((True, what(result)))
        return result

    def _heard(self) -> Any:
        went_well, what = self.agree((False, None))
        if not went_well:
            raise SharedError("the main process failed")
        return what

    def agree(self, value: _T) -> _T:
        """Return the main process's ``value``."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, group=self.patient)
        return box[0]

    def together(self) -> None:
        """Wait for all processes."""
        if self.world > 1:
            dist.barrier(group=self.patient)

    def parallel(self, module: nn.Module) -> nn.Module:
        """Wrap ``module`` in DistributedDataParallel, if there are several processes."""
        if self.world == 1:
            return module
        # Buffers are batch norm's running statistics, which ``batch_norm`` averages.
        known = inspect.signature(DistributedDataParallel).parameters
        option = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"  # torch < 2.15
        return DistributedDataParallel(module, **{option: False})  # type: ignore[arg-type]


def without_sync(module: nn.Module) -> AbstractContextManager[None]:
    """Context in which gradients are accumulated without synchronising the processes."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()


def is_first_process() -> bool:
    """Whether this process is the one that writes and shows, also outside :func:`from_torchrun`."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def shared_errors() -> Iterator[None]:
    """Context that turns a UserError, which every process raises alike, into a SharedError."""
    try:
        yield
    except UserError as error:
        raise SharedError(str(error)) from error


@contextmanager
def from_torchrun(device: str) -> Iterator[tuple[Ranks, str]]:
    """The processes that ``torchrun`` started, and this one's device: nccl between GPUs, gloo between CPUs."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks(), device
        return
    if device.startswith("cuda"):
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    backend = "cpu:gloo,cuda:nccl" if device.startswith("cuda") else "gloo"
    dist.init_process_group(backend)
    patient = dist.new_group(backend="gloo", timeout=_PATIENCE)
    yield Ranks(dist.get_rank(), world, patient), device
    dist.destroy_process_group()  # not after an error: it would wait for processes that may never come
