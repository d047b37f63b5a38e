"""Key maps: TOML files that map prefixes of tensor names to parts of the network, for layouts without a family.

arch = "resnet50"
separate = false                   # true: each space has its own last stage (LooC++)
leave_out = ["module.queue", "module.encoder_k."]
grid = [14, 14]                    # rows and columns of a ViT's patches, where its positions do not tell them

[prefixes]                         # prefix in the file = part of the network
"module.encoder_q." = "backbone"   # or backbone.layer1 for a part of it
"module.heads.0." = "head:invariant"
"module.heads.1." = "head:color"   # and stage:color for a last stage (torchvision's layer4) of its own
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field
from torch import Tensor

from loocbench.checkpoints.foreign import wrappers
from loocbench.checkpoints.foreign.types import RoutedTensors, count_group
from loocbench.errors import UserError
from loocbench.toml_files import read_card
from loocbench.types import Frozen

_TARGET = re.compile(r"backbone(\.[\w.]+)?|(?:head|stage):[A-Za-z][\w-]*")


class KeyMap(Frozen):
    """Content of a key map; see the docstring of this module. Without prefixes the family says what is what."""

    arch: str = ""
    separate: bool = False
    leave_out: tuple[str, ...] = ()
    grid: tuple[Annotated[int, Field(ge=1, le=8192)], Annotated[int, Field(ge=1, le=8192)]] | None = None
    prefixes: dict[str, str] = Field(default_factory=dict)


def read_key_map(path: Path) -> KeyMap:
    """Read and check a key map. Raises UserError naming the file and the field."""
    key_map = read_card(path, KeyMap)
    for prefix, target in key_map.prefixes.items():
        if not _TARGET.fullmatch(target):
            raise UserError(
                f"{path}: '{prefix}' is mapped to '{target}'; write backbone, backbone.PART, head:NAME or stage:NAME."
            )
    if not key_map.prefixes and (key_map.leave_out or not (key_map.grid or key_map.arch)):
        raise UserError(f"{path}: a key map without prefixes says nothing of tensors; add them below [prefixes].")
    if key_map.separate != any(target.startswith("stage:") for target in key_map.prefixes.values()):
        raise UserError(f"{path}: separate = true goes with stage:NAME, one for each space; have both or neither.")
    return key_map


def route_by_key_map(key_map: KeyMap, tensors: Mapping[str, Tensor], path: Path) -> RoutedTensors:
    """Separate the tensors of a file by the longest matching prefix, with or without ``state_dict.`` before it.

    What torch's wrappers put into a name after the prefix (``_orig_mod.`` and the like) is taken out.

    path: of the key map, for messages. Raises UserError for a prefix that no tensor has, and for two tensors with the
    same target.
    """
    targets = {**key_map.prefixes, **dict.fromkeys(key_map.leave_out, "")}
    longest = sorted(targets, key=len, reverse=True)
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
        target, rest = targets[prefix], (name if name.startswith(prefix) else short)[len(prefix) :].lstrip(".")
        rest = wrappers.strip_torch_wrappers(rest)
        if not target:
            count_group(left_out, short.removeprefix("module."))
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
            raise UserError(
                f"{path}: no tensor's name begins with '{prefix}'; the file's begin with {_list_prefixes(tensors)}."
            )
    return RoutedTensors(
        f"key map {path.name}",
        backbone,
        left_out,
        tuple(unknown),
        _select_parts(parts, "stage:"),
        _select_parts(parts, "head:"),
    )


def _select_parts(parts: Mapping[str, dict[str, Tensor]], kind: str) -> dict[str, dict[str, Tensor]]:
    return {target.removeprefix(kind): found for target, found in parts.items() if target.startswith(kind)}


def _list_prefixes(tensors: Mapping[str, Tensor]) -> str:
    names = list(dict.fromkeys(".".join(name.removeprefix("state_dict.").split(".")[:2]) for name in tensors))
    return ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
