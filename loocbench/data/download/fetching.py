"""Fetching one official file: mirrors, resume, checksum, progress."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import requests

from loocbench import files
from loocbench.data.sources import Download
from loocbench.errors import UserError
from loocbench.watching import Watcher

_TRIES = 3  # of each address, as long as a try brings nothing new
_PAUSE = 2.0  # seconds before the second try, twice that before the third
_TIMEOUT = (20, 60)  # seconds to connect, and between bytes
_BLOCK = 1 << 16  # bytes; what a cut connection loses at most
_MB = 1_000_000


class _WrongAnswerError(Exception):
    """The server answered, but not with the file."""


def fetch(download: Download, folder: Path, watcher: Watcher, *, mirror: str = "") -> Path:
    """The verified file ``folder/<file>``: kept if it is there, else from ``mirror``, then from the known addresses.

    What arrived stays in ``<file>.part``, from which the next call goes on. Raises UserError, naming what to put where,
    when no address gives the file, and when the checksum is wrong.
    """
    path = folder / download.file
    if path.is_file():
        _check(path, download, watcher, remedy=f"delete {path} and run the same command again")
        return path
    part = folder / f"{download.file}.part"
    urls = [f"{mirror.rstrip('/')}/{download.file}"] * bool(mirror) + list(download.urls)
    reasons = []
    for url in urls:
        try:
            _from(url, download, part, watcher)
        except (requests.RequestException, _WrongAnswerError) as error:
            reasons.append(f"{_host(url)}: {_reason(error)}")
            continue
        except OSError as error:
            raise files.write_error(part, error) from error
        try:
            _check(part, download, watcher, remedy="")
        except UserError:
            reasons.append(f"{_host(url)}: not the official file (wrong checksum)")
            part.unlink()  # it cannot be gone on with
            continue
        part.replace(path)
        return path
    kept = f" {part.stat().st_size / _MB:,.0f} MB are kept, the same command goes on from there." if _any(part) else ""
    raise UserError(
        f"cannot download {download.file} ({'; '.join(reasons)}).{kept} Or get it from {download.urls[0]} by other "
        f"means and put it into {folder}."
    )


def _from(url: str, download: Download, part: Path, watcher: Watcher) -> None:
    """Bring ``part`` to its full length, trying again as long as tries bring something."""
    idle = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            _receive(url, download, part, before, watcher)
            return
        except requests.RequestException:
            came = part.is_file() and part.stat().st_size > before
            idle = 0 if came else idle + 1
            if idle >= _TRIES:
                raise
            time.sleep(_PAUSE * max(1, idle))


def _receive(url: str, download: Download, part: Path, before: int, watcher: Watcher) -> None:
    headers = {"Range": f"bytes={before}-"} if before else {}
    headers["Accept-Encoding"] = "identity"  # the archive's own bytes
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing is left to send; the checksum decides
        if answer.status_code not in (requests.codes.ok, requests.codes.partial_content):
            raise _WrongAnswerError(f"HTTP {answer.status_code}")
        if answer.status_code == requests.codes.ok:
            before = 0  # the server cannot resume
        total = before + int(answer.headers.get("Content-Length", 0)) or download.size
        if total > download.size_limit:
            raise _WrongAnswerError(f"{total / _MB:,.0f} MB instead of {download.size / _MB:,.0f} MB")
        done = before
        with part.open("ab" if before else "wb") as file:
            for block in answer.iter_content(_BLOCK):
                done += len(block)
                if done > download.size_limit:
                    raise _WrongAnswerError(f"more than {download.size_limit / _MB:,.0f} MB")
                file.write(block)
                watcher.advance(f"download {download.file}, MB", done // _MB, max(total, done) // _MB)


def _check(path: Path, download: Download, watcher: Watcher, *, remedy: str) -> None:
    """Raise UserError unless the file has its published checksum. A file without one is judged by its reader."""
    if not download.algorithm:
        return
    digest = hashlib.new(download.algorithm, usedforsecurity=False)
    size, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            watcher.advance(f"check {download.file}, MB", done // _MB, size // _MB)
    if digest.hexdigest() != download.digest:
        raise UserError(f"{path} is not the official file: its {download.algorithm.upper()} is wrong; {remedy}.")


def _any(part: Path) -> bool:
    return part.is_file() and part.stat().st_size > 0


def _host(url: str) -> str:
    return url.split("/")[2]


def _reason(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    return "no connection" if isinstance(error, requests.ConnectionError) else str(error)
