"""The options that measuring commands share: declared once, given to a command as one value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from loocbench.cli import options as o


@dataclass(frozen=True)
class Opening:
    """Where checkpoints and images are, and how features are computed."""

    data_dir: o.DataDir = None
    skip_damaged: o.SkipDamaged = False
    runs: o.Runs = o.DEFAULT_RUNS
    device: o.Device = "auto"
    precision: o.Precision = "float32"
    compiled: o.Compile = False
    seed: o.Seed = 0
    cache: o.Cache = None


@dataclass(frozen=True)
class Request(Opening):
    """The same, and where rows are kept and how they are shown. Raises UserError for a suite's name that is no name."""

    results: o.Results = o.DEFAULT_RESULTS
    suite: o.Suite = o.DEFAULT_SUITE
    overwrite: o.Overwrite = False
    json: o.Json = False

    def __post_init__(self) -> None:
        from loocbench import files

        files.require_name("suite", self.suite)

    @property
    def store(self) -> dict[str, Any]:
        """Where a row goes, as ``jobs.measure.row_of`` takes it."""
        return {"results": self.results, "suite": self.suite, "overwrite": self.overwrite}


def shared(kind: type[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of ``kind``, after its own. They reach its first parameter as one ``kind``."""
    hints = get_type_hints(kind, include_extras=True)
    names = [field.name for field in fields(kind)]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own_hints = get_type_hints(command, include_extras=True)
        _, *own = inspect.signature(command).parameters.values()

        @functools.wraps(command)
        def run(**given: Any) -> None:
            command(kind(**{name: given.pop(name) for name in names}), **given)

        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [one.replace(kind=keyword, annotation=own_hints[one.name]) for one in own] + [
            inspect.Parameter(field.name, keyword, default=field.default, annotation=hints[field.name])
            for field in fields(kind)
        ]
        run.__signature__ = inspect.Signature(parameters, return_annotation=None)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": None}
        return run

    return decorate
