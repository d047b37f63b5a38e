"""Rows of a store as one zip file with a manifest, and reading it back: names are checked, nothing in it is run."""

from __future__ import annotations

import hashlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import ValidationError

from loocbench import files, provenance
from loocbench.errors import UserError
from loocbench.records import places, store
from loocbench.records.store import UnreadableRow
from loocbench.types import Frozen, Row

MANIFEST, ROWS = "manifest.json", "rows"
IMPORTS = "imports"  # folder of the manifests of imported archives, below results
MAX_FILE = 256 * 2**20  # bytes of a row; the longest have some ten MiB
MAX_FILES = 1_000_000
_WRITTEN = (1980, 1, 1, 0, 0, 0)  # the time of every member, so that equal rows make equal members
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, KeyError)


class Manifest(Frozen):
    """What an archive says of itself.

    files: member -> SHA-256. loocbench, hardware: what its rows were measured with.
    """

    format: Literal["loocbench results"] = "loocbench results"
    version: Literal[1] = 1
    created: str
    exported_by: str
    suites: tuple[str, ...]
    loocbench: tuple[str, ...]
    hardware: tuple[str, ...]
    files: dict[str, str]


def write_archive(path: Path, results: Path, suites: Sequence[str]) -> tuple[Manifest, list[UnreadableRow]]:
    """Write the whole rows of some suites; returns the manifest, and the files that are left out. Raises UserError."""
    members: dict[str, Path] = {}
    rows: list[Row] = []
    left_out: list[UnreadableRow] = []
    for suite in suites:
        for file in sorted((results / suite).glob("*/*.json")):
            found = store.read_row(file)
            place = places.find_place(suite, found) if isinstance(found, Row) else None
            if isinstance(found, UnreadableRow):
                left_out.append(found)
            elif place is None or (results / place != file and (results / place).exists()):
                left_out.append(UnreadableRow(file, "it is not in a row's place"))
            elif members.setdefault(f"{ROWS}/{place.as_posix()}", file) != file:
                left_out.append(UnreadableRow(file, "it is of a measurement that another file holds"))
            else:
                rows.append(found)
    if not rows:
        raise UserError(f"no measured rows in {results} to export; name a --suite or --results that has some.")
    manifest = Manifest(
        created=provenance.now(),
        exported_by=provenance.own_version(),
        suites=tuple(suites),
        loocbench=tuple(sorted({row.versions.get("loocbench", "unknown") for row in rows})),
        hardware=tuple(sorted({row.hardware for row in rows})),
        files={name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in sorted(members.items())},
    )
    with files.writing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as opened:
        _add(opened, MANIFEST, json.dumps(manifest.model_dump(mode="json"), indent=1).encode() + b"\n")
        for name in manifest.files:
            _add(opened, name, members[name].read_bytes())
    return manifest, left_out


@contextmanager
def unpacked_archive(path: Path) -> Iterator[tuple[Manifest, Path]]:
    """Yield an archive's manifest and its rows as a store in a temporary folder.

    Every name is checked before anything is written. Raises UserError for a file that is not such an archive, that is
    damaged, or whose members are not those of its manifest.
    """
    try:
        with zipfile.ZipFile(path) as opened, tempfile.TemporaryDirectory() as folder:
            manifest = _read_manifest(path, opened)
            for name, digest in manifest.files.items():
                content = _read_member(path, opened, name)
                if hashlib.sha256(content).hexdigest() != digest:
                    raise _refusal(path, f"'{name}' is not what its manifest says")
                target = Path(folder, *PurePosixPath(name).parts[1:])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            yield manifest, Path(folder)
    except _DAMAGED as error:
        raise _refusal(path, f"it is damaged, or not a zip file ({error})") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}; check the path.") from error


def keep_manifest(manifest: Manifest, archive: Path, results: Path) -> Path:
    """Write where imported rows came from into ``results/imports/``, named by the manifest's hash; returns the path."""
    fields = manifest.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
    path = results / IMPORTS / f"{digest[:16]}.json"
    files.write_new_text(
        path, json.dumps({"file": archive.name, "imported": provenance.now(), **fields}, indent=1) + "\n"
    )
    return path


def _read_manifest(path: Path, opened: zipfile.ZipFile) -> Manifest:
    names = opened.namelist()
    if MANIFEST not in names or len(names) > MAX_FILES:
        raise _refusal(path, f"it has no {MANIFEST}")
    if len(set(names)) < len(names):
        raise _refusal(path, "it holds two files of one name")
    try:
        manifest = Manifest.model_validate_json(_read_member(path, opened, MANIFEST))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise _refusal(path, f"its {MANIFEST} cannot be read ({where}: {first['msg'].lower()})") from error
    for name in (*names, *manifest.files):
        if name != MANIFEST and not _is_row_name(name):
            raise _refusal(path, f"it holds '{name}', which is not a row's name")
    if strange := set(names) ^ {MANIFEST, *manifest.files}:
        raise _refusal(path, f"'{min(strange)}' is in the archive or in its manifest alone")
    return manifest


def _is_row_name(name: str) -> bool:
    """Whether a member's name is rows/SUITE/CHECKPOINT/ROW.json, which cannot lead outside a folder."""
    parts = name.split("/")
    return len(parts) == 4 and parts[0] == ROWS and name.endswith(".json") and all(map(places.is_plain_name, parts))


def _read_member(path: Path, opened: zipfile.ZipFile, name: str) -> bytes:
    with opened.open(name) as member:
        content = member.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise _refusal(path, f"'{name}' is larger than any row")
    return content


def _add(opened: zipfile.ZipFile, name: str, content: bytes) -> None:
    information = zipfile.ZipInfo(name, _WRITTEN)
    information.compress_type = zipfile.ZIP_DEFLATED
    information.external_attr = 0o644 << 16
    opened.writestr(information, content)


def _refusal(path: Path, why: str) -> UserError:
    return UserError(f"{path} was not imported: {why}. Ask for a file made by 'loocbench results export'.")
