"""The command that does one job of a suite in a process of its own, on any machine that sees the same folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from loocbench.data import catalog
from loocbench.jobs.settings import EvaluationSettings
from loocbench.plugins import in_use


def job_arguments(
    suite: str, job: str, settings: EvaluationSettings, *, references: Sequence[str] = (), features: Sequence[str] = ()
) -> list[str]:
    """Return the arguments after ``python -m loocbench``; paths are absolute, and every setting is stated, and so is
    every file of a plug-in.

    suite: its name, or its file. ``overwrite`` is not passed on: a job that is continued must not begin again.
    """
    folders = {"--runs": settings.runs, "--results": settings.results, "--cache": settings.cache}
    folders["--data-dir"] = settings.data_dir or catalog.default_data_dir()
    arguments = ["run", _absolute(suite) if suite.endswith(".toml") else suite, "--job", job]
    for option, folder in folders.items():
        if folder is not None:
            arguments += [option, str(folder.absolute())]
    arguments += ["--device", settings.device, "--precision", settings.precision, "--seed", str(settings.seed)]
    for plugin in in_use.list_files():
        arguments += ["--plugin", str(plugin)]
    arguments += ["--compile"] * settings.compiled + ["--skip-damaged"] * settings.skip_damaged
    arguments += ["--limit", str(settings.limit)] if settings.limit else []
    for reference in references:
        arguments += ["--checkpoint", _absolute(reference)]
    for name in features:
        arguments += ["--features", name]
    return arguments


def _absolute(reference: str) -> str:
    """Return a checkpoint's name as it is, a path as an absolute one."""
    path = Path(reference)
    return str(path.absolute()) if path.exists() else reference
