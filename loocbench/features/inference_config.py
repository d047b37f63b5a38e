"""How features of whole splits are computed: precision and torch.compile, and the cache-key string of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from loocbench.errors import UserError, unknown

Precision = Literal["float32", "bfloat16", "float16"]

_FUSED, _COMPILED = "joined 1", "compiled 2"  # raise the number when the same weights give other features


@dataclass(frozen=True)
class InferenceConfig:
    """precision: what the network computes in; features are float32. compiled: whether torch.compile is used."""

    precision: Precision = "float32"
    compiled: bool = False

    @property
    def numerics(self) -> str:
        """Cache-key string: features of different numerics differ by rounding."""
        return f"{self.precision}, {_COMPILED if self.compiled else _FUSED}"


def from_options(precision: str, compiled: bool, device: str) -> InferenceConfig:
    """Returns the config of the command-line options. Raises UserError for one that is unknown or does not work."""
    if precision not in get_args(Precision):
        raise unknown("precision", precision, get_args(Precision))
    if precision == "float16" and not device.startswith("cuda"):
        raise UserError("float16 needs a GPU; use --precision float32, or bfloat16.")
    return InferenceConfig(precision, compiled)  # type: ignore[arg-type]  # it is one of the names
