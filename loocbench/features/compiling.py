"""When torch.compile pays: a cost model that says when to try it, and a measurement that says whether to keep it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from loocbench.errors import UserError

COMPILING = 60.0  # seconds that torch.compile takes for a ResNet-50, about, on a CPU that has other work too
# What compilation takes off a forward pass, about. On a CPU convolutions are joined already: of a ResNet's time with
# joined convolutions 2 to 5 % went (docs/speed.md). On a GPU it is the launches and the passes between convolutions.
SAVING = {"cpu": 0.05, "cuda": 0.25}
MARGIN = 2.0  # how many times its cost a trial must promise to save

Forward = Callable[[Tensor], dict[str, Tensor]]


class Trial(NamedTuple):
    """What a trial found: seconds a batch without and with compilation, and the seconds that compiling took."""

    plain: float
    compiled: float
    compiling: float

    def pays(self, batches: int) -> bool:
        """Whether ``batches`` more are done sooner compiled. The cost of compiling is spent already."""
        return self.compiled < self.plain and batches > 0

    @property
    def break_even(self) -> float:
        """Batches after which compiling has paid for itself."""
        saved = self.plain - self.compiled
        return self.compiling / saved if saved > 0 else float("inf")


def worth_a_trial(seconds: float, device: str) -> bool:
    """Whether a job of so many ``seconds`` is long enough to try torch.compile on it."""
    return seconds * SAVING[device] > MARGIN * COMPILING


def has_compiler() -> bool:
    """Whether there is what torch.compile needs: a C++ compiler on the CPU."""
    return any(shutil.which(name) for name in ("g++", "c++", "clang++", "gcc", "clang", "cl"))


def require_compiler(device: str) -> None:
    """Raise UserError where torch.compile cannot work."""
    if device == "cpu" and not has_compiler():
        raise UserError("--compile always needs a C++ compiler; install g++ or clang, or leave it at --compile auto.")


def compiled(forward: Forward, device: str) -> Forward:
    """``forward`` for batches of one shape. On the CPU its weights are frozen: what depends on them alone is done once.

    It is made at the first call.
    """
    made: Forward = torch.compile(forward, dynamic=False)
    if device != "cpu":
        return made
    from torch._inductor import config  # takes a second to import

    def frozen(images: Tensor) -> dict[str, Tensor]:
        # torch.compile's own ``options`` come too late: whether weights become constants is decided while tracing.
        with config.patch(freezing=True):
            return made(images)

    return frozen


def seconds_of(forward: Forward, images: Tensor, repeats: int = 2) -> float:
    """The shortest of a few calls, by the wall clock."""
    taken = []
    for _ in range(repeats):
        _wait(images)
        begin = time.perf_counter()
        forward(images)
        _wait(images)
        taken.append(time.perf_counter() - begin)
    return min(taken)


def _wait(images: Tensor) -> None:
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)
