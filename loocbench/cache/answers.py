"""Answers to questions whose row is kept: what a command would show, without opening the model and the data.

An answer is written by a command that opened all of it. It holds the state of every file that decided which row that is
(:class:`Watched`), and it counts only as long as each of them, the row's own file, the program, its libraries, the
environment and the configuration are as they were. In every other case the command goes the long way.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from loocbench import checksums, files
from loocbench.cache import layout
from loocbench.cache.file_states import UNKNOWN, hash_file, hash_tree
from loocbench.cache.surroundings import describe_surroundings
from loocbench.errors import UserError

_VERSION = 1  # of the files
_CHECKPOINT = ".safetensors"  # how the names of checkpoints end


@dataclass(frozen=True)
class Watched:
    """A path that decides which row is shown. kind: a file, which is hashed; all files below a folder; or the
    checkpoints of a folder of runs, of which the newest one is taken."""

    path: str
    kind: Literal["file", "tree", "checkpoints"]


@dataclass(frozen=True)
class Snapshot:
    """What an answer depends on, at one moment: the surroundings by name, and each path's state."""

    surroundings: Mapping[str, str]
    states: Mapping[Watched, str]


@dataclass(frozen=True)
class Answer:
    """row: the file of the row. shown: the fields of the row that are printed. said: the lines that the user was told
    when the task was opened."""

    row: Path
    shown: Mapping[str, Any]
    said: tuple[str, ...]


def take_snapshot(watched: Sequence[Watched]) -> Snapshot | None:
    """Return the state of all that an answer depends on; None where some of it cannot be known."""
    states = {one: _read_state(one) for one in watched}
    return None if UNKNOWN in states.values() else Snapshot(describe_surroundings(), states)


def keep_answer(cache: Path, question: Mapping[str, Any], answer: Answer, snapshot: Snapshot) -> None:
    """Keep an answer, unless the cache cannot be written to.

    snapshot: taken before anything was opened, so that a file that changed since does not have the state in it.
    """
    row = hash_file(answer.row)
    if not row:
        return
    fields = {
        "kind": "answer",
        "version": _VERSION,
        "dataset": str(answer.shown.get("dataset", "")),
        "checkpoint": str(answer.shown.get("checkpoint", "")),
        "question": dict(question),
        "row": str(answer.row),
        "row_state": row,
        "shown": dict(answer.shown),
        "said": list(answer.said),
        "surroundings": dict(snapshot.surroundings),
        "states": [[*asdict(one).values(), state] for one, state in snapshot.states.items()],
    }
    with suppress(UserError):
        files.write_text(_answer_path(cache, question), json.dumps(checksums.add_checksum(fields)))


def find_answer(cache: Path, question: Mapping[str, Any]) -> Answer | None:
    """Return the answer that a full run would come to; None where that is not certain."""
    path = _answer_path(cache, question)
    try:
        fields, unaltered = checksums.take_checksum(json.loads(path.read_text(encoding="utf-8")))
        if not unaltered or fields["version"] != _VERSION or fields["question"] != dict(question):
            return None
        answer = Answer(Path(fields["row"]), fields["shown"], tuple(fields["said"]))
        states = {Watched(place, kind): state for place, kind, state in fields["states"]}
        row, surroundings = fields["row_state"], fields["surroundings"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if hash_file(answer.row) != row or surroundings != describe_surroundings():
        return None
    if any(_read_state(one) != state for one, state in states.items()):
        return None
    with suppress(OSError):  # another user's
        os.utime(path)
    return answer


def _read_state(one: Watched) -> str:
    path = Path(one.path)
    if one.kind == "file":
        return hash_file(path)
    return hash_tree(path, suffixes=(_CHECKPOINT,) if one.kind == "checkpoints" else ())


def _answer_path(cache: Path, question: Mapping[str, Any]) -> Path:
    text = json.dumps([str(Path.cwd()), question], sort_keys=True)
    return layout.entry_path(cache, "answers", hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest())
