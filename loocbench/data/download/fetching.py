"""Downloading one official file: mirrors, resume, checksum, progress."""

from __future__ import annotations

import hashlib
import time
import zipfile
from pathlib import Path

import requests

from loocbench import files
from loocbench.data.entry import Download
from loocbench.errors import UserError
from loocbench.progress import Reporter

_TRIES = 3  # of each address in a row without new bytes
_PAUSE = 2.0  # seconds before the second try, twice that before the third
_TIMEOUT = (20, 60)  # seconds to connect, and between bytes
_BLOCK = 1 << 16  # bytes; an interrupted connection loses at most one block
_MB = 1_000_000
_BUSY = (429, 500, 502, 503, 504)  # HTTP status codes after which a later try may succeed


class _WrongAnswerError(Exception):
    """The server answered with something other than the file."""


def fetch_file(download: Download, folder: Path, reporter: Reporter, *, mirror: str = "") -> Path:
    """Return ``folder/<file>``, downloaded if it is missing and verified in any case.

    ``mirror`` is tried first, then the published addresses. An incomplete download stays in ``<file>.part``, and the
    next call resumes it. Raises UserError, naming what to put where, when no address has the file, and when the
    existing file has a wrong checksum.
    """
    path = folder / download.file
    if path.is_file():
        if not _is_official(path, download, reporter):
            raise UserError(f"{path} is not the official file, its checksum is wrong; delete it and run this again.")
        return path
    part = folder / f"{download.file}.part"
    urls = [f"{mirror.rstrip('/')}/{download.file}"] * bool(mirror) + list(download.urls)
    reasons = []
    for url in urls:
        reason = _try_address(url, download, part, reporter)
        if not reason:
            part.replace(path)
            return path
        reasons.append(f"{_get_host(url)}: {reason}")
    kept = (
        f" {part.stat().st_size / _MB:,.0f} MB are kept, the same command resumes from there."
        if _has_bytes(part)
        else ""
    )
    raise UserError(
        f"cannot download {download.file} ({'; '.join(reasons)}).{kept} Or get it from {download.urls[0]} by other "
        f"means and put it into {folder}."
    )


def _try_address(url: str, download: Download, part: Path, reporter: Reporter) -> str:
    """Download the file from one address into ``part`` and verify it. Returns what went wrong, or an empty string."""
    resumed = _has_bytes(part)
    try:
        _download_part(url, download, part, reporter)
        if _is_official(part, download, reporter):
            return ""
        part.unlink()  # it cannot be resumed
        if resumed:  # the bytes from before may have been wrong
            _download_part(url, download, part, reporter)
            if _is_official(part, download, reporter):
                return ""
            part.unlink()
    except (requests.RequestException, _WrongAnswerError) as error:
        return _explain_error(error)
    except OSError as error:
        raise files.write_error(part, error) from error
    return "not the official file (wrong checksum)"


def _download_part(url: str, download: Download, part: Path, reporter: Reporter) -> None:
    """Download until ``part`` is complete, as long as tries bring new bytes."""
    idle = 0
    while True:
        before = part.stat().st_size if part.is_file() else 0
        try:
            _receive(url, download, part, before, reporter)
            return
        except requests.RequestException:
            came = part.is_file() and part.stat().st_size > before
            idle = 0 if came else idle + 1
            if idle >= _TRIES:
                raise
            time.sleep(_PAUSE * max(1, idle))


def _receive(url: str, download: Download, part: Path, before: int, reporter: Reporter) -> None:
    headers = {"Range": f"bytes={before}-"} if before else {}
    headers["Accept-Encoding"] = "identity"  # the archive's own bytes
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing is left to send; the checksum decides
        if answer.status_code in _BUSY:
            raise requests.ConnectionError(f"HTTP {answer.status_code}", response=answer)
        if answer.status_code not in (requests.codes.ok, requests.codes.partial_content):
            raise _WrongAnswerError(f"HTTP {answer.status_code}")
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise _WrongAnswerError("a web page instead of the file")
        length = int(answer.headers.get("Content-Length", 0))
        if answer.status_code == requests.codes.ok:  # the server cannot resume and sends everything again
            if length and length < before:
                raise _WrongAnswerError(f"{length / _MB:,.0f} MB instead of {download.size / _MB:,.0f} MB")
            before = 0
        total = before + length or download.size
        if total > download.size_limit:
            raise _WrongAnswerError(f"{total / _MB:,.0f} MB instead of {download.size / _MB:,.0f} MB")
        done = before
        with part.open("ab" if before else "wb") as file:
            for block in answer.iter_content(_BLOCK):
                done += len(block)
                if done > download.size_limit:
                    file.truncate(0)
                    raise _WrongAnswerError(f"more than {download.size_limit / _MB:,.0f} MB")
                file.write(block)
                reporter.update(f"download {download.file}, MB", done // _MB, max(total, done) // _MB)


def _is_official(path: Path, download: Download, reporter: Reporter) -> bool:
    """Whether the file has its published checksum; where none is published, whether it is an intact zip archive."""
    if not download.algorithm:
        return _is_intact_zip(path)
    digest = hashlib.new(download.algorithm, usedforsecurity=False)
    size, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            reporter.update(f"check {download.file}, MB", done // _MB, size // _MB)
    return digest.hexdigest() == download.digest


def _is_intact_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except Exception:  # a damaged archive makes zipfile raise almost anything
        return False


def _has_bytes(part: Path) -> bool:
    return part.is_file() and part.stat().st_size > 0


def _get_host(url: str) -> str:
    return url.split("/")[2]


def _explain_error(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection was cut"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, requests.ConnectionError):
        return str(error) if error.response is not None else "no connection"
    return str(error)
