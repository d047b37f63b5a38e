"""How features are computed in bulk: precision and compilation, and the name of the numerics that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from loocbench.errors import UserError, unknown

Precision = Literal["float32", "bfloat16", "float16"]
Compile = Literal["auto", "never", "always"]

_JOINED, _COMPILED = "joined 1", "compiled 2"  # raise a number when that way gives other features


@dataclass(frozen=True)
class InferenceConfig:
    """precision: of what the network computes; features are float32. compile: whether torch.compile makes it; auto
    compiles only where a measurement at the beginning of a long job says that it pays."""

    precision: Precision = "float32"
    compile: Compile = "auto"

    def names(self) -> tuple[str, ...]:
        """What a cached file of this engine may be called, the likelier first: each file is of one of them alone."""
        ways = {"auto": (_JOINED, _COMPILED), "never": (_JOINED,), "always": (_COMPILED,)}[self.compile]
        return tuple(f"{self.precision}, {way}" for way in ways)

    def name(self, *, compiled: bool) -> str:
        """The one of :meth:`names` that was used."""
        return f"{self.precision}, {_COMPILED if compiled else _JOINED}"


def from_options(precision: str, compile: str, device: str) -> InferenceConfig:  # noqa: A002  # the option's name
    """The engine that the options ask for. Raises UserError for a wrong one."""
    if precision not in get_args(Precision):
        raise unknown("precision", precision, get_args(Precision))
    if compile not in get_args(Compile):
        raise unknown("--compile", compile, get_args(Compile))
    if precision == "float16" and not device.startswith("cuda"):
        raise UserError("float16 needs a GPU; use --precision float32, or bfloat16.")
    return InferenceConfig(precision, compile)  # type: ignore[arg-type]  # both are among the names
