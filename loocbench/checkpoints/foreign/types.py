"""Values that the steps of importing a foreign file hand to one another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from loocbench.types import Architecture


@dataclass(frozen=True)
class FileContents:
    """The tensors of a file or folder by name, in its order; keys of nested dicts are joined by dots.

    path: the file, or the folder of several. bytes, sha256: of the file; of several files their sum, and the SHA-256
    over their names and hashes. metadata: of a safetensors file, or an export's statement. training_state: number of
    tensors of optimisers and the like that were skipped.
    """

    path: Path
    format: str
    bytes: int
    sha256: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    training_state: int = 0


@dataclass(frozen=True)
class RoutedTensors:
    """The tensors of a file by their role.

    family: whose layout it is, or the key map's name. backbone: by their names within the backbone. stages, heads: by
    space, then by their names within its last stage or head. left_out: number of tensors by group. unknown: names of
    the tensors that are neither in the backbone nor known to lie beside one.
    """

    family: str
    backbone: Mapping[str, Tensor]
    left_out: Mapping[str, int]
    unknown: tuple[str, ...]
    stages: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)
    heads: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)


@dataclass(frozen=True)
class RecognisedArchitecture:
    """An architecture, and notes on what the file does not say of it: what was assumed, and what the user gave."""

    architecture: Architecture
    assumed: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


def count_group(counts: dict[str, int], name: str) -> None:
    """Count a tensor that is left out, by the first part of its name."""
    group = name.partition(".")[0]
    counts[group] = counts.get(group, 0) + 1
