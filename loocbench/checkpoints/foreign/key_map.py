"""A key map: a TOML file that says which prefix of a file's names is what, for layouts that no family describes.

arch = "resnet50"
separate = false                   # true: each space has its own last stage (LooC++)
leave_out = ["module.queue", "module.encoder_k."]

[prefixes]                         # what names begin with = what they are
"module.encoder_q." = "backbone"   # or backbone.layer1 for a part of it
"module.heads.0." = "head:invariant"
"module.heads.1." = "head:color"   # and stage:color for a last stage (torchvision's layer4) of its own
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field
from torch import Tensor

from loocbench.checkpoints.foreign import families
from loocbench.errors import UserError
from loocbench.toml_files import read_card
from loocbench.types import Frozen

_TARGET = re.compile(r"backbone(\.[\w.]+)?|(?:head|stage):[A-Za-z][\w-]*")


class KeyMap(Frozen):
    """The file's content; see the module's docstring."""

    arch: str = ""
    separate: bool = False
    leave_out: tuple[str, ...] = ()
    prefixes: dict[str, str] = Field(min_length=1)


@dataclass(frozen=True)
class Mapped:
    """A file's tensors by what they are: stages and heads by their space, in the map's order."""

    backbone: Mapping[str, Tensor]
    stages: Mapping[str, Mapping[str, Tensor]]
    heads: Mapping[str, Mapping[str, Tensor]]
    left_out: Mapping[str, int]
    unknown: tuple[str, ...]


def read(path: Path) -> KeyMap:
    """Read and check a key map. Raises UserError naming the file and the field."""
    found = read_card(path, KeyMap)
    for prefix, target in found.prefixes.items():
        if not _TARGET.fullmatch(target):
            raise UserError(
                f"{path}: '{prefix}' is mapped to '{target}'; write backbone, backbone.PART, head:NAME or stage:NAME."
            )
    if found.separate != any(target.startswith("stage:") for target in found.prefixes.values()):
        raise UserError(f"{path}: separate = true goes with stage:NAME, one for each space; have both or neither.")
    return found


def apply(key_map: KeyMap, tensors: Mapping[str, Tensor], path: Path) -> Mapped:
    """Sort tensors by the longest prefix that their names begin with, with ``state_dict.`` before it or not.

    Raises UserError for a prefix that none has, and for two that lead to one place.
    """
    places = {**key_map.prefixes, **dict.fromkeys(key_map.leave_out, "")}
    longest = sorted(places, key=len, reverse=True)
    used: set[str] = set()
    backbone: dict[str, Tensor] = {}
    parts: dict[str, dict[str, Tensor]] = {target: {} for target in key_map.prefixes.values() if ":" in target}
    left_out: dict[str, int] = {}
    unknown = []
    for name, tensor in tensors.items():
        short = name.removeprefix("state_dict.")
        prefix = next((one for one in longest if name.startswith(one) or short.startswith(one)), None)
        if prefix is None:
            unknown.append(name)
            continue
        used.add(prefix)
        target, rest = places[prefix], (name if name.startswith(prefix) else short)[len(prefix) :].lstrip(".")
        if not target:
            families.count(left_out, short.removeprefix("module."))
            continue
        place = rest if ":" in target else ".".join([*target.split(".")[1:], rest])
        into = parts[target] if ":" in target else backbone
        if place in into:
            raise UserError(
                f"{path}: two tensors become {place} of {target}, one is {name}; put its prefix in leave_out."
            )
        into[place] = tensor
    for prefix in key_map.prefixes:
        if prefix not in used:
            raise UserError(f"{path}: no tensor's name begins with '{prefix}'; the file's begin with {_some(tensors)}.")
    return Mapped(backbone, _of(parts, "stage:"), _of(parts, "head:"), left_out, tuple(unknown))


def _of(parts: Mapping[str, dict[str, Tensor]], kind: str) -> dict[str, dict[str, Tensor]]:
    return {target.removeprefix(kind): found for target, found in parts.items() if target.startswith(kind)}


def _some(tensors: Mapping[str, Tensor]) -> str:
    names = list(dict.fromkeys(".".join(name.removeprefix("state_dict.").split(".")[:2]) for name in tensors))
    return ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
