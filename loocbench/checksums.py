"""Checksums against accidental damage of what this program writes and reads back.

CRC-32: it notices every change of up to four neighbouring bytes, and any other one but for one in four billion. It is
no protection against somebody who changes a file on purpose.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

FIELD = "checksum"  # its name in JSON objects and in the metadata of files
BLANK = "00000000"  # in the place of a file's checksum while that is computed
_BLOCK = 4 * 2**20  # bytes that a thread takes at a time
_HEAD = 2**20  # bytes in which a file's own checksum stands


def hash_json(value: Any) -> str:
    """CRC-32 of a value's canonical JSON (sorted keys, no spaces), 8 hexadecimal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return f"{zlib.crc32(text.encode()):08x}"


def add_checksum(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a JSON object and their checksum."""
    return {**fields, FIELD: hash_json(dict(fields))}


def take_checksum(fields: Mapping[str, Any]) -> tuple[dict[str, Any], bool | None]:
    """The fields without their checksum, and whether it is theirs; None where there is none."""
    rest = {name: value for name, value in fields.items() if name != FIELD}
    return rest, hash_json(rest) == fields[FIELD] if FIELD in fields else None


def hash_bytes_of(path: Path, begin: int = 0, end: int | None = None) -> str:
    """Checksum of a file's bytes from ``begin`` to ``end``: that of its 4 MiB blocks' checksums, computed in parallel.

    If the file holds a checksum of its own in this range, that counts as BLANK. Raises OSError.
    """
    size = path.stat().st_size if end is None else end
    place = _find_own(path) if begin == 0 else None

    def hash_block(start: int) -> bytes:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            block = bytearray(min(_BLOCK, size - start))
            filled = 0
            while filled < len(block) and (count := file.readinto(memoryview(block)[filled:])):
                filled += count
        if place is not None and start == 0:
            block[place : place + len(BLANK)] = BLANK.encode()
        return zlib.crc32(memoryview(block)[:filled]).to_bytes(4, "little")

    starts = range(begin, size, _BLOCK)
    if len(starts) <= 1:
        sums = [hash_block(start) for start in starts]
    else:
        with ThreadPoolExecutor(min(len(starts), os.cpu_count() or 1)) as pool:
            sums = list(pool.map(hash_block, starts))
    return f"{zlib.crc32(size.to_bytes(8, 'little') + b''.join(sums)):08x}"


def seal_file(path: Path) -> None:
    """Write a file's checksum into its metadata, where :data:`BLANK` stands. Raises ValueError where nothing does."""
    place = _find_own(path)
    if place is None:
        raise ValueError(f"{path} has no place for a checksum")
    digits = hash_bytes_of(path)
    with path.open("r+b") as file:
        file.seek(place)
        file.write(digits.encode())
        file.flush()
        os.fsync(file.fileno())


def is_sealed(path: Path) -> bool:
    """Whether a file's bytes are those that were sealed; False also for one without a checksum. Raises OSError."""
    place = _find_own(path)
    if place is None:
        return False
    with path.open("rb") as file:
        file.seek(place)
        return file.read(len(BLANK)) == hash_bytes_of(path).encode()


def _find_own(path: Path) -> int | None:
    """Where a safetensors file's own checksum begins: quotes within other metadata are escaped, so no other fits."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for mark in (f'"{FIELD}": "', f'"{FIELD}":"'):
        place = head.find(mark.encode())
        begin = place + len(mark)
        if place >= 0 and len(head) >= begin + len(BLANK):
            return begin
    return None
