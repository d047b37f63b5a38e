"""The processes of a run: one, or those that torchrun started. With one, nothing here communicates."""

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
    """rank: of this process among ``world``. patient: the group in which they wait for one another for long."""

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
        """The largest ``value`` of any process."""
        if self.world == 1:
            return value
        box = torch.tensor(value)
        dist.all_reduce(box, dist.ReduceOp.MAX)
        return int(box)

    def broadcast_from_main(self, decide: Callable[[], _T]) -> _T:
        """What ``decide`` gives in the first process. Where it raises there, the others raise SharedError."""
        if self.first:
            return self._told(decide, lambda verdict: verdict)
        return self._heard()

    def first_then_others(self, work: Callable[[], _T]) -> _T:
        """``work`` in the first process, and then in the others, which find what it left. Raises as above."""
        if self.first:
            return self._told(work, lambda _: None)
        self._heard()
        return work()

    def _told(self, work: Callable[[], _T], what: Callable[[_T], Any]) -> _T:
        """``work``, of whose result the others hear ``what``, or that it failed."""
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
            raise SharedError("the first process could not go on")
        return what

    def agree(self, value: _T) -> _T:
        """The first process's ``value``."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0, group=self.patient)
        return box[0]

    def together(self) -> None:
        """Wait until every process has come here."""
        if self.world > 1:
            dist.barrier(group=self.patient)

    def parallel(self, module: nn.Module) -> nn.Module:
        """``module``, whose gradients are averaged over all processes by DistributedDataParallel."""
        if self.world == 1:
            return module
        # Buffers are batch norm's running statistics, which ``batch_norm`` averages.
        known = inspect.signature(DistributedDataParallel).parameters
        option = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"  # torch < 2.15
        return DistributedDataParallel(module, **{option: False})  # type: ignore[arg-type]


def without_sync(module: nn.Module) -> AbstractContextManager[None]:
    """Within it, gradients pile up in each process by itself."""
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()


def is_first_process() -> bool:
    """Whether this process is the one that writes and shows, also outside :func:`from_torchrun`."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def shared_errors() -> Iterator[None]:
    """Within it a UserError is one that every process meets."""
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
