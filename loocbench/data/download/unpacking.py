"""Unpacking an untrusted archive: regular files and folders only, inside one folder, up to a size."""

from __future__ import annotations

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from loocbench import files
from loocbench.errors import UserError
from loocbench.progress import Reporter

_COPY = 1 << 20
_MB = 1_000_000
_LINK = "a link"
_MOST_MEMBERS = 5_000_000  # files and folders; iNaturalist 2021 has 2.7 million
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True)
class _Member:
    """One member of an archive. strange: what it is if it is neither a file nor a folder, else empty."""

    name: str
    is_folder: bool
    strange: str
    content: IO[bytes] | None


def is_archive(name: str) -> bool:
    """Whether a file of that name is an archive, which is unpacked rather than copied."""
    return name.endswith((".tar", ".tgz", ".tar.gz", ".zip"))


def unpack_archive(archive: Path, folder: Path, *, limit: int, reporter: Reporter) -> None:
    """Unpack into ``folder``. Every member is checked before it is written; modes, owners and times are ignored.

    Raises UserError for a member with an absolute path or ``..``, for links and devices, for a damaged archive, and
    when more than ``limit`` bytes come out; the caller then removes ``folder``.
    """
    written = 0
    try:
        for count, member in enumerate(_iterate_members(archive)):
            if count > _MOST_MEMBERS:
                raise _make_refusal(archive, f"more than {_MOST_MEMBERS:,} files")
            target = _get_target(member, archive, folder)
            if member.is_folder:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            if member.content is None:
                raise _make_refusal(archive, f"'{member.name}' without content")
            with target.open("wb") as file:
                while block := member.content.read(_COPY):
                    written += len(block)
                    if written > limit:
                        raise _make_refusal(archive, f"more than {limit / _MB:,.0f} MB")
                    file.write(block)
            reporter.update(f"unpack {archive.name}, MB", min(written, limit - 1) // _MB, limit // _MB)
    except _DAMAGED as error:
        raise UserError(f"{archive} is damaged ({error}); delete it and run the same command again.") from error
    except OSError as error:
        if error.errno is None:  # from gzip, about the content
            raise UserError(f"{archive} is damaged ({error}); delete it and run the same command again.") from error
        raise files.write_error(folder, error) from error


def copy_file(file: Path, folder: Path) -> None:
    """Copy a file that is not an archive into ``folder``. Raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, folder / file.name)
    except OSError as error:
        raise files.write_error(folder / file.name, error) from error


def _get_target(member: _Member, archive: Path, folder: Path) -> Path:
    """The path that a member is written to. Raises UserError for a member that may not be unpacked."""
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\\" in member.name or ":" in member.name.split("/")[0]:
        raise _make_refusal(archive, f"'{member.name}', outside its folder")
    if member.strange:
        raise _make_refusal(archive, f"'{member.name}', {member.strange}")
    return folder.joinpath(*path.parts)


def _make_refusal(archive: Path, what: str) -> UserError:
    return UserError(f"{archive} holds {what}: it is not the official archive and was not unpacked; delete it.")


def _iterate_members(archive: Path) -> Iterator[_Member]:
    """The members of a zip or tar archive, in their order; ``content`` can be read until the next one is asked for."""
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                mode = info.external_attr >> 16
                strange = _LINK if stat.S_ISLNK(mode) else ""
                if info.is_dir() or strange:
                    yield _Member(info.filename, info.is_dir(), strange, None)
                else:
                    with opened.open(info) as content:
                        yield _Member(info.filename, False, "", content)
    else:
        with tarfile.open(archive, "r|*") as stream:  # a stream: read once, from front to back
            for entry in stream:
                links = _LINK if entry.issym() or entry.islnk() else "a device or pipe"
                strange = "" if entry.isfile() or entry.isdir() else links
                yield _Member(entry.name, entry.isdir(), strange, stream.extractfile(entry) if entry.isfile() else None)
