"""Checkpoints that a run keeps after single epochs, beside its last one: their files and their names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from loocbench.errors import UserError

FILES = "epoch-*.safetensors"
_NAME = re.compile(r"(?P<run>.+)-epoch(?P<epoch>[1-9]\d*)")
_FILE = re.compile(r"epoch-(\d+)\.safetensors")


def file_of(folder: Path, epoch: int) -> Path:
    """The file of the checkpoint that a run's folder keeps after an epoch."""
    return folder / f"epoch-{epoch:04d}.safetensors"


def name_of(run: str, epoch: int) -> str:
    """The checkpoint's name, in tables and as a reference: "mine-epoch5"."""
    return f"{run}-epoch{epoch}"


def find_file(runs: Path, name: str) -> Path | None:
    """The file of the kept checkpoint of this name, of a run below ``runs``; None where there is none."""
    match = _NAME.fullmatch(name)
    if not match or Path(name).name != name:
        return None
    path = file_of(runs / match["run"], int(match["epoch"]))
    return path if path.is_file() else None


def list_epochs(folder: Path) -> list[int]:
    """The epochs of a run's folder whose checkpoints are kept, in order."""
    found = sorted(int(match[1]) for path in folder.glob(FILES) if (match := _FILE.fullmatch(path.name)))
    return [epoch for epoch in dict.fromkeys(found) if file_of(folder, epoch).is_file()]


def list_names(folder: Path) -> list[str]:
    """The names of a run's kept checkpoints, by epoch."""
    return [name_of(folder.name, epoch) for epoch in list_epochs(folder)]


def require_distinct(runs: Path, run: str, keep: Iterable[int]) -> None:
    """Raise UserError where a run, or what it is to keep, would have the name of another run's kept checkpoint, or of
    another run."""
    match = _NAME.fullmatch(run)
    if match and (runs / match["run"]).exists():
        raise UserError(
            f"'{run}' cannot name a run: it names what run {match['run']} keeps of epoch {match['epoch']}; choose "
            "another --name."
        )
    if taken := [name for epoch in keep if (runs / (name := name_of(run, epoch))).exists()]:
        raise UserError(f"there is a run {taken[0]}, whose name the kept epoch would have; choose another --name.")


def require_epochs(keep: Iterable[int], planned: int) -> None:
    """Raise UserError for an epoch that is to be kept and is none of the run's ``planned`` ones, counted from 1."""
    for epoch in keep:
        if isinstance(epoch, bool) or not isinstance(epoch, int) or not 1 <= epoch <= planned:
            raise UserError(f"--keep-epoch {epoch} is not one of the epochs, 1 to {planned}; choose one of these.")


def describe_lost(folder: Path, keep: Iterable[int], done: int, remedy: str) -> str:
    """Return a line on the epochs that were to be kept, have passed and are not there; "" if there are none.

    done: epochs that have passed. remedy: what to do.
    """
    lost = [str(epoch) for epoch in keep if epoch <= done and not file_of(folder, epoch).exists()]
    if not lost:
        return ""
    what = f"epoch {lost[0]} has" if len(lost) == 1 else f"epochs {', '.join(lost)} have"
    return f"{folder.name}: {what} passed without being kept; {remedy}"
