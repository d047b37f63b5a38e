"""The encoder at the speed of the machine: the same features, batch after batch of one size."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from loocbench.errors import UserError
from loocbench.features import compiling, folding
from loocbench.features.compiling import Forward, Trial
from loocbench.features.encoder import Encoder

# What a fast way may differ from the plain one in the same precision, as a part of the norm of an image's features.
TOLERANCE = {"float32": 1e-4, "bfloat16": 2e-2, "float16": 2e-3}
CHECKED = 4  # images that both ways are compared on
_JOINED, _COMPILED = "joined", "compiled"
_NO_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
SIZES = {"cpu": 32, "cuda": 256}  # images a batch: on a CPU more are no faster, and take memory


def batch_size(encoder: Encoder) -> int:
    """Images a batch. It is the same for every run on a kind of device: rounding may depend on it."""
    return SIZES[encoder.device.type]


class InferenceNetwork:
    """``bulk(crops) -> {space: float32 [N, D]}`` on the encoder's device, crops uint8 [N, 3, S, S]
    or float in [0, 1].

    At the first batch, unless the encoder knows from an earlier split, it chooses how: convolutions joined (CPU,
    float32), compiled, or the network as it is. A way that differs from the plain one by more than ``TOLERANCE`` is not
    used. Where memory runs out, batches are halved.

    images: how many there are to come, which decides whether compiling can pay.
    """

    def __init__(
        self, encoder: Encoder, *, images: int, info: Callable[[str], None], may_compile: bool = True, size: int = 0
    ) -> None:
        self._encoder = encoder
        self._images = images
        self._say = info
        self._size = size or batch_size(encoder)
        self._may_compile = may_compile
        self._forward: Forward | None = None
        self._most = self._size  # images that memory has room for
        self.compiled = False
        if encoder.inference.compile == "always":
            compiling.require_compiler(encoder.device.type)

    @property
    def name(self) -> str:
        """The numerics in use; see ``engine``."""
        return self._encoder.inference.name(compiled=self.compiled)

    @torch.inference_mode()
    def __call__(self, crops: Tensor) -> dict[str, Tensor]:
        """Every space's features."""
        with self._exact():
            return self._features(crops)

    def _exact(self) -> AbstractContextManager[object]:
        """float32 is float32: cuDNN's convolutions would round to TF32, by more than what TOLERANCE allows."""
        if self._encoder.inference.precision == "float32" and self._encoder.device.type == "cuda":
            return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
        return nullcontext()

    def _features(self, crops: Tensor) -> dict[str, Tensor]:
        while True:
            try:
                parts = [self._part(part) for part in torch.split(crops, self._most)]
                return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
            except RuntimeError as error:
                if not _out_of_memory(error):
                    raise
                if self._most == 1:
                    raise UserError(
                        f"memory on {self._encoder.device} does not suffice for one image; free some, or use "
                        "--device cpu."
                    ) from error
            # Compiled, a short batch is filled up to the whole size.
            self._most = max(1, (self._most if self.compiled else min(self._most, len(crops))) // 2)
            if self._encoder.device.type == "cuda":
                torch.cuda.empty_cache()
            self._say(f"memory ran out; going on with batches of {self._most}")

    def _part(self, crops: Tensor) -> dict[str, Tensor]:
        images = _channels_last(self._encoder.normalise(crops))  # whatever a change of the images left
        if self._forward is None:
            self._forward = self._choose(images)
        if not self.compiled or len(images) == self._most:
            return self._forward(images)
        return {name: values[: len(images)] for name, values in self._forward(self._filled(images)).items()}

    def _filled(self, images: Tensor) -> Tensor:
        """Compiled for one shape: a shorter batch is filled up."""
        missing = self._most - len(images)
        return torch.cat([images, images[:1].expand(missing, -1, -1, -1)]) if missing else images

    def _choose(self, images: Tensor) -> Forward:
        ways, wanted = self._encoder.ways, self._encoder.inference.compile
        if _COMPILED in ways and self._may_compile:
            self.compiled = True
            return ways[_COMPILED]
        plain = self._in_precision(self._encoder.network.every_space)
        if _JOINED not in ways:
            ways[_JOINED] = self._joined(images, plain)
        fast = ways[_JOINED]
        if wanted == "never" or not self._may_compile or (wanted == "auto" and len(images) < self._most):
            return fast
        images = self._filled(images)
        kind = self._encoder.device.type
        if wanted == "auto":
            repeats = 2 if kind == "cuda" else 1  # a GPU's first call loads its kernels
            expected = compiling.seconds_of(fast, images, repeats) * self._images / len(images)
            if not compiling.worth_a_trial(expected, kind) or (kind == "cpu" and not compiling.has_compiler()):
                return fast
        candidate = compiling.compiled(plain, kind)
        begin = time.perf_counter()
        try:
            agrees = self._agree(candidate(images), plain(images))
        except Exception as error:  # whatever the compiler stack raises: the way without it is there
            if _out_of_memory(error):
                raise
            if wanted == "always":
                raise UserError(f"torch.compile failed ({_line(error)}); use --compile never.") from error
            self._say(f"compile: failed ({type(error).__name__}), going on without")
            return fast
        took = time.perf_counter() - begin
        trial = Trial(compiling.seconds_of(fast, images), compiling.seconds_of(candidate, images), took)
        left = max(0, self._images // len(images) - 1)
        use = agrees and (wanted == "always" or trial.pays(left))
        if wanted == "always" and not agrees:
            raise UserError("compiled, this network gives other features; use --compile never.")
        self._say(_told(trial, len(images), use=use, agrees=agrees))
        self.compiled = use
        if use:
            ways[_COMPILED] = candidate
        return candidate if use else fast

    def _joined(self, images: Tensor, plain: Forward) -> Forward:
        """Convolutions joined with what follows them, where that is possible and gives the same."""
        if self._encoder.device.type != "cpu" or self._encoder.inference.precision != "float32":
            return plain
        try:
            fast = folding.folded(self._encoder.network, images[:CHECKED])
        except Exception:  # a network that cannot be traced stays as it is
            return plain
        if fast is None or not self._agree(fast.every_space(images[:CHECKED]), plain(images[:CHECKED])):
            return plain
        return fast.every_space

    def _agree(self, found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
        """Whether no image's features differ by more than the precision's TOLERANCE."""
        most = TOLERANCE[self._encoder.inference.precision]
        return found.keys() == expected.keys() and all(
            bool(((found[name] - values).norm(dim=1) <= most * values.norm(dim=1)).all())
            for name, values in expected.items()
        )

    def _in_precision(self, forward: Forward) -> Forward:
        """``forward`` under autocast, its output float32."""
        inference, kind = self._encoder.inference, self._encoder.device.type

        def cast() -> AbstractContextManager[object]:
            if inference.precision == "float32":
                return nullcontext()
            return torch.autocast(kind, dtype=getattr(torch, inference.precision))

        def run(images: Tensor) -> dict[str, Tensor]:
            with cast():
                every = forward(images)
            return {name: values.float() for name, values in every.items()}

        return run if inference.precision != "float32" else forward


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


def _told(trial: Trial, images: int, *, use: bool, agrees: bool) -> str:
    rates = f"{images / trial.plain:.1f} images/s without, {images / trial.compiled:.1f} with"
    even = trial.break_even * images
    cost = f"compiling took {trial.compiling:.0f} s"
    pays = f"which pays after {even:,.0f} images" if even != float("inf") else "which never pays"
    if not agrees:
        return "compile: not used, its features differ from the plain network's"
    return f"compile: {rates}; {cost}, {pays}; {'used' if use else 'not used'}"


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"


def _out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in _NO_MEMORY)
