"""Groups of options shared by commands: declared once, passed to a command as one dataclass."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints

from loocbench.cli import options as o
from loocbench.jobs.settings import InputSettings

_OPTIONS: dict[str, Any] = {
    "data_dir": o.DataDir,
    "skip_damaged": o.SkipDamaged,
    "limit": o.Limit,
    "runs": o.Runs,
    "device": o.Device,
    "precision": o.Precision,
    "compiled": o.Compile,
    "seed": o.Seed,
    "cache": o.Cache,
    "results": o.Results,
    "suite": o.Suite,
    "overwrite": o.Overwrite,
    "dry_run": o.DryRun,
}


def with_options(
    kind: type[Any], *, without: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command the fields of a dataclass as options, after the command's own options.

    The command receives them as an instance of ``kind``, its first argument. without: fields to leave out. A field's
    annotation declares its option; those of ``jobs.settings``, free of the command line, are declared in ``_OPTIONS``.
    """
    hints = get_type_hints(kind, include_extras=True)
    annotations = {**hints, **_OPTIONS} if issubclass(kind, InputSettings) else hints
    shared = [field for field in fields(kind) if field.name not in without]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own_hints = get_type_hints(command, include_extras=True)
        _, *own = inspect.signature(command).parameters.values()

        @functools.wraps(command)
        def run(**given: Any) -> None:
            command(kind(**{field.name: given.pop(field.name) for field in shared}), **given)

        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [one.replace(kind=keyword, annotation=own_hints[one.name]) for one in own] + [
            inspect.Parameter(field.name, keyword, default=field.default, annotation=annotations[field.name])
            for field in shared
        ]
        run.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
        return run

    return decorate
