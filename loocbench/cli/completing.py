"""Shell completion of names: data sets, tasks, suites, recipes, runs and checkpoints.

``loocbench --install-completion`` installs it. A mistake in a file of the user is no matter here: it completes less.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer

from loocbench.checkpoints import kept_epochs

CHECKPOINT_FILE = "checkpoint.safetensors"  # ``checkpoints.card_file.FILE``, which would import numpy
_PREFIXES = ("random:", "torchvision:", "timm:", "hf:")


def complete_dataset(incomplete: str) -> list[str]:
    """Return data sets, and after ``folder:`` the folders that are there."""
    from loocbench.data.entries import ENTRIES

    prefix = "folder:"
    if incomplete.startswith(prefix):
        found = [path for path in _complete_paths(incomplete.removeprefix(prefix)) if path.endswith("/")]
        return [prefix + path.removesuffix("/") for path in found]
    return _matching([*ENTRIES, prefix], incomplete)


def complete_task(incomplete: str) -> list[str]:
    """Return tasks, and files of cards."""
    from loocbench.cards.tasks import task_names

    return _matching(task_names(), incomplete) or _complete_paths(incomplete, ".toml")


def complete_suite(incomplete: str) -> list[str]:
    """Return suites, and files of cards."""
    return _matching(_cards("suites"), incomplete) or _complete_paths(incomplete, ".toml")


def complete_recipe(incomplete: str) -> list[str]:
    """Return recipes, and files of cards."""
    return _matching(_cards("recipes"), incomplete) or _complete_paths(incomplete, ".toml")


def complete_checkpoint(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return runs with a checkpoint, how other references begin, and files."""
    runs = _runs_folder(ctx)
    folders = sorted(path.parent for path in runs.glob(f"*/{CHECKPOINT_FILE}"))
    if incomplete.startswith(like := "random:"):
        return _matching([like + folder.name for folder in folders], incomplete)
    names = [name for folder in folders for name in (folder.name, *kept_epochs.list_names(folder))]
    return _matching([*names, *_PREFIXES], incomplete) or _complete_paths(incomplete)


def complete_run(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return runs, also those that have no checkpoint yet."""
    folders = {
        path.parent.name for kind in (CHECKPOINT_FILE, "run.json") for path in _runs_folder(ctx).glob(f"*/{kind}")
    }
    return _matching(sorted(folders), incomplete)


def _runs_folder(ctx: typer.Context) -> Path:
    """The folder of runs that the command line names so far, or the configured one."""
    return Path(ctx.params.get("runs") or (ctx.default_map or {}).get("runs") or "runs")


def _cards(kind: str) -> list[str]:
    """The names of the shipped cards of a kind: listing them by ``cards.suites`` would import numpy."""
    from loocbench.cards.folder import tasks_folder

    folder = tasks_folder() / kind
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.toml"))


def _matching(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _complete_paths(incomplete: str, ending: str = "") -> list[str]:
    """Folders, with a slash, and files that begin so. ending: of the files."""
    folder, _, start = incomplete.rpartition("/")
    place = Path(f"{folder}/") if incomplete.startswith("/") or folder else Path()
    try:
        found = sorted(path for path in place.iterdir() if path.name.startswith(start) and path.name[0] != ".")
    except OSError:
        return []
    before = f"{folder}/" if "/" in incomplete else ""
    return [
        f"{before}{path.name}{'/' if path.is_dir() else ''}"
        for path in found
        if path.is_dir() or path.name.endswith(ending)
    ]
