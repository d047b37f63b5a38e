"""Files of weights in shards, as transformers and huggingface_hub write them: an index says which file has a tensor."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from torch import Tensor

from loocbench.checkpoints.foreign import weight_file
from loocbench.checkpoints.foreign.types import FileContents
from loocbench.errors import UserError

INDEX = ".index.json"
_LARGEST_INDEX = 100_000_000  # bytes; a model of a thousand layers has one of a megabyte


def read_shards(index: Path) -> FileContents:
    """Read the tensors of all shards that an index lists.

    Raises UserError for a shard that is missing or lies outside the index's folder, for a tensor that is in another
    file than the index says or in two, and for one of which the index does not speak.
    """
    places = read_index(index)
    members = require_members(index.parent, places.values(), str(index))
    tensors: dict[str, Tensor] = {}
    found_in: dict[str, str] = {}
    training_state, forms, bytes_read, hashes = (
        0,
        set(),
        index.stat().st_size,
        {index.name: weight_file.hash_file(index)},
    )
    for name, path in members.items():
        contents = weight_file.read_file(path)
        for tensor in contents.tensors:
            if tensor in found_in:
                raise UserError(
                    f"two shards of {index} hold the tensor {tensor}, {found_in[tensor]} and {name}; download them "
                    "anew."
                )
            if tensor not in places:
                raise UserError(
                    f"{name} holds {tensor}, of which {index} says nothing; download index and shards of one version."
                )
        tensors |= contents.tensors
        found_in |= dict.fromkeys(contents.tensors, name)
        training_state += contents.training_state
        bytes_read += contents.bytes
        forms.add(contents.format)
        hashes[name] = contents.sha256
    for tensor, name in places.items():
        if found_in.get(tensor) != name:
            where = f"{found_in[tensor]} does" if tensor in found_in else "no other shard does"
            raise UserError(
                f"{index} says that {name} holds {tensor}, but {where}; download index and shards of one version."
            )
    form = f"{', '.join(sorted(forms))} in {len(members)} shards"
    return FileContents(index.parent, form, bytes_read, hash_names(hashes), tensors, {}, training_state)


def read_index(index: Path) -> dict[str, str]:
    """Return the name of the shard of every tensor, as an index says. Raises UserError for what is not an index."""
    wrong = f"{index} is not an index of shards (JSON with a weight_map from tensors to files); download it anew."
    if index.stat().st_size > _LARGEST_INDEX:
        raise UserError(wrong)
    try:
        places = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UserError(wrong) from error
    if not isinstance(places, dict) or not places or not all(isinstance(name, str) for name in places.values()):
        raise UserError(wrong)
    return places


def list_members(index: Path) -> list[str]:
    """Return the names of the shards that an index lists, sorted. Raises UserError for what is not an index."""
    return sorted(set(read_index(index).values()))


def require_members(folder: Path, names: Iterable[str], index: str) -> dict[str, Path]:
    """Return the path of each file that an index names, sorted by name. Raises UserError for one that is missing, and
    for a name that leads out of the folder.

    A member may be a link, as in the cache of huggingface_hub: it is the folder's, not the index's.
    """
    members = {}
    for name in sorted(set(names)):
        if not name or "\0" in name or "\\" in name or name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise UserError(f"{index} names {name!r}, which is not a file in its folder: refused.")
        members[name] = folder / name
    missing = [name for name, path in members.items() if not path.is_file()]
    if missing:
        shown = f"{', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}"
        raise UserError(f"{index} lists {len(members)} files, of which {shown} is missing; put them all into {folder}.")
    return members


def hash_names(hashes: dict[str, str]) -> str:
    """Return the SHA-256 that stands for several files: over the lines "HASH  NAME" of sha256sum, sorted by name."""
    lines = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()
