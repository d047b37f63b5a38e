"""Which images an interrupted run has decoded: the ``.progress`` file beside a ``.part``, with checksums of pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from loocbench import checksums, files

Group = tuple[int, str]  # images up to this row are on the disk; checksum of the group's pixels


def add_group(groups: list[Group], stop: int, part: Path, progress: Path, offsets: npt.NDArray[np.int64]) -> None:
    """Note in ``progress`` that the images after the last group, up to row ``stop``, are on the disk."""
    begin = groups[-1][0] if groups else 0
    groups.append((stop, checksums.hash_bytes_of(part, int(offsets[begin]), int(offsets[stop]))))
    files.write_text(progress, json.dumps(checksums.add_checksum({"groups": groups})))


def read_groups(part: Path, progress: Path, header: bytes, offsets: npt.NDArray[np.int64]) -> list[Group]:
    """The groups of images that an interrupted run left in ``part``, on the disk and undamaged.

    header: the bytes that ``part`` has to begin with. offsets: where each image's pixels begin in it, int64 [N + 1].
    """
    whole: list[Group] = []
    try:
        with part.open("rb") as file:
            same = file.read(len(header)) == header
        fields, unaltered = checksums.take_checksum(json.loads(progress.read_text()))
        done = 0
        for stop, digits in fields["groups"] if same and unaltered else ():
            if checksums.hash_bytes_of(part, int(offsets[done]), int(offsets[stop])) != digits:
                break
            whole.append((stop, digits))
            done = stop
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return whole
    return whole
