"""Batched inference: the features that an encoder gives, computed as fast as the device can."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from loocbench import cpp_compiler
from loocbench.devices import fastest_precision
from loocbench.errors import UserError
from loocbench.exact_float32 import exact_float32
from loocbench.features import compiling, fusion
from loocbench.features.compiling import Forward
from loocbench.features.encoder import Encoder

# Largest difference between a fast forward pass and the plain one in the same precision, relative to the norm of an
# image's features.
TOLERANCE = {"float32": 1e-4, "bfloat16": 2e-2, "float16": 2e-3}
CHECKED = 4  # images on which fused convolutions are compared
BATCH_SIZES = {"cpu": 32, "cuda": 256}  # on a CPU larger batches are not faster, and take memory
_FUSED, _COMPILED = "fused", "compiled"
_NO_MEMORY = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def default_batch_size(encoder: Encoder) -> int:
    """Images per batch. Depends on the kind of device alone: rounding may depend on the batch size."""
    return BATCH_SIZES[encoder.device.type]


class InferenceNetwork:
    """``network(crops) -> {space: float32 [N, D]}`` on the encoder's device.

    crops: uint8 [N, 3, S, S], or float in [0, 1].

    The forward pass is the encoder's network compiled (``InferenceConfig.compiled``), else with fused convolutions
    (CPU, in float32, or in bfloat16 where the processor computes in it), else as it is. Fused convolutions whose
    features differ from the plain float32 network's by more than ``TOLERANCE`` are not used. Where memory runs out,
    batches are halved.

    info: receives one line per halving. batch_size: images per forward pass; default by device. may_compile: False
    for batches of many sizes, whatever the config says.
    Raises UserError where torch.compile is asked for and there is no compiler; the first call raises UserError where
    it fails or changes the features.
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        info: Callable[[str], None],
        batch_size: int | None = None,
        may_compile: bool = True,
    ) -> None:
        self._encoder = encoder
        self._info = info
        self._batch_size = batch_size or default_batch_size(encoder)  # halved where memory runs out
        self._compiled = encoder.inference.compiled and may_compile
        self._forward: Forward | None = None
        if self._compiled and encoder.device.type == "cpu":
            cpp_compiler.require_compiler()

    @torch.inference_mode()
    def __call__(self, crops: Tensor) -> dict[str, Tensor]:
        """Features of ``crops`` in every space."""
        with exact_float32():  # half precision is asked for again within
            while True:
                try:
                    parts = [self._compute_batch(part) for part in torch.split(crops, self._batch_size)]
                    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
                except RuntimeError as error:
                    if not _is_out_of_memory(error):
                        raise
                    self._halve_batches(len(crops), error)

    def _halve_batches(self, count: int, error: RuntimeError) -> None:
        """Halves the batch size after ``error`` at ``count`` crops. Raises UserError where it was one image already."""
        if self._batch_size == 1:
            raise UserError(
                f"memory on {self._encoder.device} does not suffice for one image; free some, or use --device cpu."
            ) from error
        # Compiled, a short batch is padded to the whole size; otherwise the failed batch had ``count`` images at most.
        failed = self._batch_size if self._compiled else min(self._batch_size, count)
        self._batch_size = max(1, failed // 2)
        if self._encoder.device.type == "cuda":
            torch.cuda.empty_cache()
        self._info(f"memory ran out; going on with batches of {self._batch_size}")

    def _compute_batch(self, crops: Tensor) -> dict[str, Tensor]:
        # Changes of the images may leave any memory layout.
        images = self._encoder.normalise(crops).contiguous(memory_format=torch.channels_last)
        padded = self._pad(images) if self._compiled else images
        if self._forward is None:
            self._forward = self._prepare_forward(padded)
        return {name: values[: len(images)] for name, values in self._forward(padded).items()}

    def _pad(self, images: Tensor) -> Tensor:
        """``images`` and copies of the first one up to the batch size: a compiled network takes one shape."""
        missing = self._batch_size - len(images)
        if not missing:
            return images
        padded = torch.cat([images, images[:1].expand(missing, -1, -1, -1)])
        return padded.contiguous(memory_format=torch.channels_last)  # in another layout it would be compiled again

    def _prepare_forward(self, images: Tensor) -> Forward:
        """The fast forward pass, prepared at the encoder's first batch and kept for its later splits."""
        name = _COMPILED if self._compiled else _FUSED
        if name not in self._encoder.prepared_forwards:
            plain = self._in_precision(self._encoder.network.forward_spaces)
            prepare = self._compile if self._compiled else self._fuse_convolutions
            self._encoder.prepared_forwards[name] = prepare(images, plain)
        return self._encoder.prepared_forwards[name]

    def _compile(self, images: Tensor, plain: Forward) -> Forward:
        """``plain`` compiled. Raises UserError where that fails or its features of ``images`` differ."""
        compiled = compiling.compile_forward(plain, self._encoder.device.type)
        try:
            agrees = self._agree(compiled(images), plain(images))
        except Exception as error:  # whatever the compiler stack raises
            if _is_out_of_memory(error):
                raise
            reason = " ".join(str(error).split())[:120]
            raise UserError(f"torch.compile failed ({type(error).__name__}: {reason}); leave out --compile.") from error
        if not agrees:
            raise UserError("torch.compile changes the features of this network; leave out --compile.")
        return compiled

    def _fuse_convolutions(self, images: Tensor, plain: Forward) -> Forward:
        """``plain`` with fused convolutions, where that is possible and does not change features; else ``plain``."""
        network, precision = self._encoder.network, self._encoder.inference.precision
        if self._encoder.device.type != "cpu" or precision not in ("float32", fastest_precision("cpu")):
            return plain
        dtype, few = getattr(torch, precision), images[:CHECKED]
        try:
            fused = fusion.fuse_convolutions(network, few, dtype)
        except Exception:  # a network that cannot be traced stays as it is
            return plain
        if fused is None:
            return plain

        def forward(images: Tensor) -> dict[str, Tensor]:
            return {name: values.float() for name, values in fused.forward_spaces(images.to(dtype)).items()}

        return forward if self._agree(forward(few), network.forward_spaces(few)) else plain

    def _agree(self, found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
        """Whether no image's features differ by more than the precision's TOLERANCE."""
        most = TOLERANCE[self._encoder.inference.precision]
        return found.keys() == expected.keys() and all(
            bool(((found[name] - values).norm(dim=1) <= most * values.norm(dim=1)).all())
            for name, values in expected.items()
        )

    def _in_precision(self, forward: Forward) -> Forward:
        """``forward`` under autocast to the config's precision, its output float32."""
        precision, device = self._encoder.inference.precision, self._encoder.device.type
        if precision == "float32":
            return forward

        def cast(images: Tensor) -> dict[str, Tensor]:
            with torch.autocast(device, dtype=getattr(torch, precision)):
                every = forward(images)
            return {name: values.float() for name, values in every.items()}

        return cast


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in _NO_MEMORY)
