"""The command line. One module per command, imported when the command runs; nothing heavy before that."""

from __future__ import annotations

import importlib
import os
from typing import Any

import typer

from loocbench.cli.guard import GuardedGroup

_COMMANDS = {  # name -> module:function[:class of the command], or module:app of a group; in the order of the help
    "demo": "demo:demo",
    "pretrain": "pretrain:pretrain:PretrainCommand",
    "extract": "extract:extract",
    "probe": "probe:probe",
    "knn": "knn:knn",
    "few-shot": "few_shot:few_shot",
    "select": "select:select",
    "rotation": "rotation:rotation",
    "retrieve": "retrieve:retrieve",
    "gallery": "gallery:gallery",
    "sensitivity": "sensitivity:sensitivity",
    "robustness": "robustness:robustness",
    "bench": "bench:bench",
    "run": "run:run",
    "report": "report:report",
    "compare": "compare:compare",
    "tasks": "tasks:app",
    "checkpoints": "checkpoints:app",
    "runs": "runs:app",
    "recipes": "recipes:app",
    "datasets": "datasets:app",
    "cache": "cache:app",
}


class _Commands(dict[str, Any]):
    """The commands by name; a command's module is imported when it is asked for."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(_COMMANDS))

    def get(self, name: str, default: Any = None) -> Any:
        """Return a command, or ``default`` for a name that does not exist."""
        if name not in _COMMANDS:
            return default
        place, *attributes = _COMMANDS[name].split(":")
        module = importlib.import_module(f"loocbench.cli.{place}")
        found, *kind = (getattr(module, attribute) for attribute in attributes)
        if isinstance(found, typer.Typer):
            group = typer.main.get_group(found)
            group.name = name
            return group
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name, cls=kind[0] if kind else None)(found)
        return typer.main.get_command(alone)


class LazyGroup(GuardedGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()

    def list_commands(self, ctx):  # type: ignore[no-untyped-def]  # the context's class moved between typer versions
        """Return the commands' names in the order of the help."""
        return list(self.commands)

    def get_command(self, ctx, cmd_name):  # type: ignore[no-untyped-def]
        """Return a command, or None for a name that does not exist."""
        return self.commands.get(cmd_name)


app = typer.Typer(
    name="loocbench",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Pretrain LooC and LooC++, and measure which information a representation kept.",
    epilog="Start with: loocbench demo",
)


@app.callback()
def _loocbench() -> None:
    """Pretrain LooC and LooC++, and measure which information a representation kept."""


def main() -> None:
    """The console script."""
    # Read when torch is imported: threads that wait shall soon sleep. By default they spin for long, which on a busy
    # machine costs small problems (a probe on few shots) up to ten times their time; without any spinning the same
    # problems take half as long again on a quiet one. The number is that of GNU's OpenMP, which torch's wheels bring.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    app(prog_name="loocbench")
