"""What a file claims to hold, compared with how large it is, before anything of that size is allocated."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path

from loocbench.checkpoints.foreign import pickle_ops
from loocbench.errors import UserError

_HEADER = 100_000_000  # bytes, the bound of safetensors itself
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


def safetensors(path: Path) -> None:
    """Raise UserError unless header and tensors lie within the file, without gaps between them."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_HEADER, size - 8):
            raise UserError(
                f"{path} claims a header of {readable(length)}, more than a file of {readable(size)} can have; "
                "it is truncated or no safetensors file."
            )
        raw = file.read(length)
    try:
        header = json.loads(raw)
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        claimed = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
        needed = {name: _bits(entry) for name, entry in entries.items()}
        given = {name: 8 * (entry["data_offsets"][1] - entry["data_offsets"][0]) for name, entry in entries.items()}
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise UserError(f"{path} has a damaged safetensors header; download it anew.") from error
    room = size - 8 - length
    if claimed > room:
        raise UserError(
            f"{path} claims {readable(claimed)} of tensors and holds {readable(room)}: "
            "it is truncated or damaged; download it anew."
        )
    for name, bits in needed.items():
        if bits is not None and bits != given[name]:
            raise UserError(
                f"{path}: the shape of {name} needs {bits // 8:,} bytes, not the {given[name] // 8:,} given."
            )


def _bits(entry: dict[str, object]) -> int | None:
    """What a tensor's shape needs; nothing for a type that safetensors itself must judge."""
    shape = entry["shape"]
    if not isinstance(shape, list) or not all(isinstance(length, int) and length >= 0 for length in shape):
        raise ValueError("a shape is a list of lengths")
    bits = _BITS.get(str(entry["dtype"]))
    return None if bits is None else bits * math.prod(shape)


def zipped(path: Path) -> None:
    """Raise UserError unless every part of a zip that torch.save wrote is uncompressed and of the size it claims."""
    try:
        with zipfile.ZipFile(path) as archive:
            _archive(archive, path)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:  # encrypted, or parts moved
        raise UserError(f"{path} is truncated or damaged ({error}); download it anew.") from error


def _archive(archive: zipfile.ZipFile, path: Path) -> None:
    size = path.stat().st_size
    members = {member.filename: member for member in archive.infolist()}
    total = sum(member.file_size for member in archive.infolist())
    if total > size or any(
        member.compress_type != zipfile.ZIP_STORED or member.header_offset + member.file_size > size
        for member in members.values()
    ):
        raise UserError(
            f"{path} claims {readable(total)} in a file of {readable(size)}: damaged, or compressed as torch.save "
            "does not; download it anew."
        )
    pickles = [name for name in members if name.partition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise UserError(f"{path} holds {len(pickles)} data.pkl where torch.save writes one; download it anew.")
    stem = pickles[0].removesuffix("data.pkl")
    with archive.open(pickles[0]) as file:
        for key, count in pickle_ops.storages(file, path, members[pickles[0]].file_size):
            held = members.get(f"{stem}data/{key}")
            if held is None:
                raise UserError(f"{path} lacks the data of storage {key}: it is damaged; download it anew.")
            _require(path, count, held.file_size)


def pickled(path: Path) -> None:
    """Raise UserError unless the storages of a file of the older torch.save fit into it, all together."""
    size = path.stat().st_size
    storages: dict[str, int] = {}
    with path.open("rb") as file:
        for number in range(5):  # magic number, protocol, system, the tensors without their values, the storages' keys
            for key, count in pickle_ops.storages(file, path, size):
                if number == 3:
                    storages[key] = max(count, storages.get(key, 0))
    _require(path, sum(storages.values()), size)


def _require(path: Path, elements: int, held: int) -> None:
    """An element takes a byte at least."""
    if elements > held:
        raise UserError(
            f"{path} claims {elements:,} values and holds {held:,} bytes of them: it is truncated or damaged; "
            "download it anew."
        )


def readable(count: int) -> str:
    """Bytes as people read them."""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count} bytes"
