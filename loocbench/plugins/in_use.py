"""The plug-ins that are in use in this process, and which of them a run or a measurement needs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from loocbench.plugins.plugin import PARTS, Part, Plugin

if TYPE_CHECKING:
    from loocbench.types import Recipe

PREFIX = "plug-in "  # how the entries of ``versions`` begin that name a plug-in
PRETRAINING = " in pretraining"  # how those of a row end that its checkpoint was made with
_RECORD = re.compile(r"(?P<origin>.*), SHA-256 (?P<digest>[0-9a-f]{64})", re.DOTALL)


@dataclass(frozen=True)
class LoadedPlugin:
    """A plug-in and where it comes from.

    origin: its file's name, or its package's name and version. code: its file, or the folder whose Python files are its
    package. given: whether the user named the file, so that other processes must be given it, too. source: the bytes
    that were run; of a package None, it is read when its hash is asked for.
    """

    plugin: Plugin
    origin: str
    code: Path
    given: bool = False
    source: bytes | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, or over the paths and bytes of the package's Python files."""
        if self.source is not None:
            return hashlib.sha256(self.source).hexdigest()
        if self.code.is_file():
            return hashlib.sha256(self.code.read_bytes()).hexdigest()
        digest = hashlib.sha256()
        for path in sorted(self.code.rglob("*.py")):
            digest.update(f"{path.relative_to(self.code).as_posix()}\t".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    @property
    def record(self) -> str:
        """What rows and checkpoints say of it."""
        return f"{self.origin}, SHA-256 {self.digest}"

    def holds(self, file: str) -> bool:
        """Whether a source file is part of the plug-in."""
        path = Path(file)
        return path == self.code or self.code in path.parents


IN_USE: dict[str, LoadedPlugin] = {}  # by the plug-in's name


def find_provider(part: Part, name: str) -> LoadedPlugin | None:
    """Return the plug-in in use that adds a thing; None for loocbench's own."""
    return next((one for one in IN_USE.values() if name in one.plugin.names(part)), None)


def hash_code(part: Part, name: str) -> str:
    """Return the SHA-256 of the plug-in that adds a thing; "" for loocbench's own."""
    found = find_provider(part, name)
    return found.digest if found else ""


def find_used(
    *, datasets: Iterable[str] = (), task_kind: str = "", recipe: Recipe | None = None, architecture: str = ""
) -> dict[str, str]:
    """Return which plug-ins in use add any of these, as entries of ``versions``: name -> origin and hash."""
    used: dict[Part, set[str]] = {part: set() for part in PARTS}
    used["datasets"].update(datasets)
    used["task_kinds"].add(task_kind)
    used["architectures"].add(architecture)
    if recipe:
        used["augmentations"].update(recipe.augmentations)
        used["methods"].add(recipe.method)
        used["architectures"].add(recipe.backbone)
    return {
        f"{PREFIX}{name}": one.record
        for name, one in IN_USE.items()
        if any(used[part].intersection(one.plugin.names(part)) for part in PARTS)
    }


def read_records(versions: Mapping[str, str]) -> dict[str, str]:
    """Return the origin of each plug-in that ``versions`` of a checkpoint name, by the plug-in's name."""
    found = {}
    for key, value in versions.items():
        match = _RECORD.fullmatch(value) if key.startswith(PREFIX) else None
        if match:
            found[key.removeprefix(PREFIX)] = match["origin"]
    return found


def find_missing(versions: Mapping[str, str]) -> dict[str, str]:
    """Return those of :func:`read_records` that are not in use."""
    return {name: origin for name, origin in read_records(versions).items() if name not in IN_USE}


def advise(missing: Mapping[str, str]) -> str:
    """Return how missing plug-ins, name -> origin, are added: "add --plugin mine.py"."""
    files = [f"--plugin {origin}" for origin in missing.values() if origin.endswith(".py")]
    packages = [f"install {origin}" for origin in missing.values() if not origin.endswith(".py")]
    return " and ".join([*([f"add {' '.join(files)}"] if files else []), *packages])


def list_files() -> list[Path]:
    """Return the files in use that the user named: what other processes of the same work need."""
    return [one.code for one in IN_USE.values() if one.given]
