"""Checks that a file is as large as its contents claim, before anything of the claimed size is allocated."""

from __future__ import annotations

import io
import json
import math
import zipfile
from pathlib import Path

from loocbench.checkpoints.foreign import pickle_ops
from loocbench.errors import UserError

_LARGEST_HEADER = 100_000_000  # bytes, the limit of safetensors itself
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


def check_safetensors(path: Path) -> None:
    """Raise UserError unless the header and all tensors lie within the file and have the sizes of their shapes."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_LARGEST_HEADER, size - 8):
            raise UserError(
                f"{path} claims a header of {format_bytes(length)}, more than a file of {format_bytes(size)} can have; "
                "it is truncated or not a safetensors file."
            )
        raw = file.read(length)
    try:
        header = json.loads(raw)
        entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
        claimed = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
        needed = {name: _count_bits(entry) for name, entry in entries.items()}
        given = {name: 8 * (entry["data_offsets"][1] - entry["data_offsets"][0]) for name, entry in entries.items()}
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise UserError(f"{path} has a damaged safetensors header; download it anew.") from error
    room = size - 8 - length
    if claimed > room:
        raise UserError(
            f"{path} claims {format_bytes(claimed)} of tensors and holds {format_bytes(room)}: "
            "it is truncated or damaged; download it anew."
        )
    for name, bits in needed.items():
        if bits is not None and bits != given[name]:
            raise UserError(
                f"{path}: the shape of {name} needs {bits // 8:,} bytes, not the {given[name] // 8:,} given."
            )


def _count_bits(entry: dict[str, object]) -> int | None:
    """Return the size in bits of a tensor by its shape; None for a dtype that is left to safetensors."""
    shape = entry["shape"]
    if not isinstance(shape, list) or not all(isinstance(length, int) and length >= 0 for length in shape):
        raise ValueError("a shape is a list of lengths")
    bits = _BITS.get(str(entry["dtype"]))
    return None if bits is None else bits * math.prod(shape)


def check_zip(path: Path, part: bytes | None = None) -> None:
    """Raise UserError unless every member of a zip of torch.save is whole, uncompressed and no larger than said.

    part: the bytes of the zip, if it is only a part of the file.
    """
    try:
        with zipfile.ZipFile(path if part is None else io.BytesIO(part)) as archive:
            _check_archive(archive, path, path.stat().st_size if part is None else len(part))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:  # encrypted, or offsets are wrong
        raise UserError(f"{path} is truncated or damaged ({error}); download it anew.") from error


def _check_archive(archive: zipfile.ZipFile, path: Path, size: int) -> None:
    members = {member.filename: member for member in archive.infolist()}
    total = sum(member.file_size for member in archive.infolist())
    if total > size or any(
        member.compress_type != zipfile.ZIP_STORED or member.header_offset + member.file_size > size
        for member in members.values()
    ):
        raise UserError(
            f"{path} claims {format_bytes(total)} in a file of {format_bytes(size)}: damaged, or compressed as "
            "torch.save does not; download it anew."
        )
    pickles = [name for name in members if name.partition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise UserError(f"{path} holds {len(pickles)} data.pkl where torch.save writes one; download it anew.")
    stem = pickles[0].removesuffix("data.pkl")
    with archive.open(pickles[0]) as file:
        for key, count in pickle_ops.read_storages(file, path, members[pickles[0]].file_size):
            held = members.get(f"{stem}data/{key}")
            if held is None:
                raise UserError(f"{path} lacks the data of storage {key}: it is damaged; download it anew.")
            _require_bytes(path, count, held.file_size)
    if damaged := archive.testzip():
        raise UserError(f"{path} is damaged (the checksum of {damaged} is not that of its bytes); download it anew.")


def check_legacy_pickle(path: Path) -> None:
    """Raise UserError unless all storages of a file of torch.save before 1.6 fit into the file together."""
    size = path.stat().st_size
    storages: dict[str, int] = {}
    with path.open("rb") as file:
        for number in range(5):  # magic number, protocol, system, the tensors without their values, the storages' keys
            for key, count in pickle_ops.read_storages(file, path, size):
                if number == 3:
                    storages[key] = max(count, storages.get(key, 0))
    _require_bytes(path, sum(storages.values()), size)


def _require_bytes(path: Path, elements: int, held: int) -> None:
    """Raise UserError if the file is too small for the elements it claims, at one byte each."""
    if elements > held:
        raise UserError(
            f"{path} claims {elements:,} values and holds {held:,} bytes of them: it is truncated or damaged; "
            "download it anew."
        )


def format_bytes(count: int) -> str:
    """Return a number of bytes with a decimal unit: "1.5 GB"."""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count} bytes"
