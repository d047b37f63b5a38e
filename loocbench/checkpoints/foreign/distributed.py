"""Folders of torch.distributed.checkpoint, which FSDP and DTensor training writes: tensors in pieces, with an index.

The index, ``.metadata``, is a pickle; it is read as plain values and never unpickled. Each piece is a file of
torch.save within a ``.distcp`` file, and read by the allow-list like any other.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from loocbench.checkpoints.foreign import distributed_index, shards, size_checks, weight_file
from loocbench.checkpoints.foreign.distributed_index import INDEX, Piece
from loocbench.checkpoints.foreign.types import FileContents
from loocbench.errors import UserError


def is_checkpoint(path: Path) -> bool:
    """Whether a path is a folder that torch.distributed.checkpoint wrote."""
    return path.is_dir() and (path / INDEX).is_file()


def read_folder(folder: Path) -> FileContents:
    """Read the tensors of a folder, without those of optimisers.

    Raises UserError for a file that is missing or shorter than the index says, for pieces that do not make up their
    tensor, and for an index that asks for code.
    """
    index = distributed_index.read_index(folder)
    wanted = {name: pieces for name, pieces in index.items() if not weight_file.TRAINING_STATE.search(name)}
    if not wanted:
        raise UserError(f"{folder} holds no tensors of a model; give the folder of the model's weights.")
    files = {piece.file for pieces in wanted.values() for piece in pieces}
    members = shards.require_members(folder, files, str(folder / INDEX))
    tensors = {
        name: _join(folder, name, [(piece, _read(members, piece)) for piece in pieces])
        for name, pieces in wanted.items()
    }
    hashes = {name: weight_file.hash_file(path) for name, path in {**members, INDEX: folder / INDEX}.items()}
    size = sum((folder / name).stat().st_size for name in hashes)
    form = f"torch.distributed.checkpoint, {len(members)} file{'s' if len(members) > 1 else ''}"
    return FileContents(folder, form, size, shards.hash_names(hashes), tensors, {}, len(index) - len(wanted))


def _read(members: Mapping[str, Path], piece: Piece) -> Tensor:
    """Return the tensor of a piece, [*piece.shape]."""
    path = members[piece.file]
    size = path.stat().st_size
    if piece.start + piece.length > size:
        raise UserError(
            f"{path} has {size:,} bytes, and its {INDEX} wants those up to {piece.start + piece.length:,}: it is "
            "truncated, or of another checkpoint; copy it anew."
        )
    with path.open("rb") as file:
        file.seek(piece.start)
        part = file.read(piece.length)
    if not part.startswith(b"PK"):
        raise UserError(f"{path} does not hold files of torch.save, or elsewhere than its {INDEX} says; copy it anew.")
    size_checks.check_zip(path, part)
    loaded = weight_file.load_pickle(path, part=io.BytesIO(part))
    if not isinstance(loaded, Tensor) or tuple(loaded.shape) != piece.shape:
        held = list(loaded.shape) if isinstance(loaded, Tensor) else type(loaded).__name__
        raise UserError(f"{path} holds {held} where its {INDEX} says {list(piece.shape)}; copy both anew.")
    return loaded.detach()


def _join(folder: Path, name: str, parts: Sequence[tuple[Piece, Tensor]]) -> Tensor:
    """Return the whole tensor of which these are the pieces. Raises UserError unless they make it up exactly."""
    whole = parts[0][0].whole
    if len(parts) == 1 and parts[0][0].shape == whole:
        return parts[0][1]
    if sum(part.numel() for _, part in parts) == torch.Size(whole).numel():  # so no more is allocated than was read
        joined, filled = torch.empty(whole, dtype=parts[0][1].dtype), torch.zeros(whole, dtype=torch.bool)
        for piece, part in parts:
            place = tuple(slice(start, start + length) for start, length in zip(piece.offset, piece.shape, strict=True))
            joined[place], filled[place] = part, True
        if filled.all():
            return joined
    raise UserError(f"the pieces of {name} in {folder} overlap or leave gaps; copy the folder anew.")
