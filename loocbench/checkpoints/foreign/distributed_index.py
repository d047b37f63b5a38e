"""The index of a folder of torch.distributed.checkpoint: of which pieces each tensor consists, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loocbench.checkpoints.foreign import pickle_allowlist, pickle_values
from loocbench.checkpoints.foreign.pickle_values import Record
from loocbench.errors import UserError

INDEX = ".metadata"
_DTYPES = "float16 bfloat16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool complex64 complex128"
_RECORDS = (
    "Metadata", "TensorStorageMetadata", "BytesStorageMetadata", "TensorProperties", "ChunkStorageMetadata",
    "MetadataIndex", "StorageMeta", "_MEM_FORMAT_ENCODING",
)  # fmt: skip
_ALLOWED = frozenset(
    (
        *(f"torch.distributed.checkpoint.metadata.{name}" for name in _RECORDS),
        "torch.distributed.checkpoint.filesystem._StorageInfo",
        "torch.distributed._shard.sharded_tensor.metadata.TensorProperties",  # torch before 2.3
        "torch.distributed._shard.sharded_tensor.metadata.MEM_FORMAT_ENCODING",
        *("torch.Size", "torch.strided", "torch.serialization._get_layout", "collections.OrderedDict"),
        *(f"torch.{name}" for name in (*_DTYPES.split(), "float8_e4m3fn", "float8_e5m2")),
        *(name for _, name in pickle_allowlist.list_safe_globals()),
    )
)


@dataclass(frozen=True)
class Piece:
    """A piece of a tensor: its shape and offset in the whole, and the bytes of its file that hold it.

    file: path within the folder. whole: shape of the tensor.
    """

    whole: tuple[int, ...]
    offset: tuple[int, ...]
    shape: tuple[int, ...]
    file: str
    start: int
    length: int


def read_index(folder: Path) -> dict[str, tuple[Piece, ...]]:
    """Return the pieces of each tensor by its name. What is no tensor (numbers of epochs and the like) is left out.

    Raises UserError for an index that asks for code, is damaged or lacks the place of a piece.
    """
    path = folder / INDEX
    content = pickle_values.read_values(path, _ALLOWED)
    try:
        places = _list_places(path, content.get("storage_data"))
        pieces = {
            name: tuple(_describe_piece(path, name, entry, chunk, places) for chunk in entry.get("chunks"))
            for name, entry in content.get("state_dict_metadata").items()
            if entry.name.endswith(".TensorStorageMetadata")
        }
        if not all(pieces.values()):
            raise ValueError("a tensor without pieces")
    except (TypeError, AttributeError, ValueError, LookupError) as error:
        raise UserError(f"{path} is not an index of torch.distributed.checkpoint, or damaged; copy it anew.") from error
    return pieces


def _list_places(path: Path, stored: Mapping[Any, Any]) -> dict[tuple[str, tuple[int, ...]], Record]:
    """Return the place of each piece of a tensor by the tensor's name and the piece's offset."""
    places: dict[tuple[str, tuple[int, ...]], Record] = {}
    for key, place in stored.items():
        if key.get("offset") is None:  # not a tensor
            continue
        which = (str(key.get("fqn")), _read_lengths(key.get("offset")))
        if which in places:
            raise UserError(f"{path} lists the tensor {which[0]} twice at {list(which[1])}; copy the folder anew.")
        places[which] = place
    return places


def _describe_piece(
    path: Path, name: str, entry: Record, chunk: Record, places: Mapping[tuple[str, tuple[int, ...]], Record]
) -> Piece:
    whole, offset, shape = (
        _read_lengths(part) for part in (entry.get("size"), chunk.get("offsets"), chunk.get("sizes"))
    )
    place = places.get((name, offset))
    if place is None:
        raise UserError(f"{path} does not say where {name} lies; copy the folder anew.")
    if place.get("transform_descriptors"):
        raise UserError(
            f"{path} says that {name} is compressed or encrypted ({', '.join(place.get('transform_descriptors'))}); "
            "save it with torch.distributed.checkpoint's own writer."
        )
    if any(start + length > end for start, length, end in zip(offset, shape, whole, strict=True)):
        raise UserError(f"{path}: a piece of {name} lies outside its {list(whole)}; copy the folder anew.")
    start, length = _read_lengths((place.get("offset"), place.get("length")))
    return Piece(whole, offset, shape, str(place.get("relative_path")), start, length)


def _read_lengths(value: Any) -> tuple[int, ...]:
    """Return the lengths of a torch.Size or tuple. Raises ValueError for negative or too many numbers."""
    lengths = tuple(value.arguments[0]) if isinstance(value, Record) and value.name == "torch.Size" else tuple(value)
    if len(lengths) > 64 or not all(type(length) is int and 0 <= length < 2**48 for length in lengths):
        raise ValueError("not the lengths of a tensor")
    return lengths
