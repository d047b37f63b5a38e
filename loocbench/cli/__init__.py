"""The command line. One module per command, imported when the command runs; nothing heavy before that."""

from __future__ import annotations

import importlib
import os
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

import loocbench
from loocbench.cli.common_options import add_common_options, hide_flag_types
from loocbench.cli.configured import use_configuration
from loocbench.cli.guard import GuardedGroup
from loocbench.cli.usage_errors import suggest_commands

_COMMANDS = {
    # name: (module:function[:class of the command], or module:app of a group, help), in the order of the help. The help
    # is that of the command's own docstring; it stands here too so that the list of commands imports none of them.
    "demo": (
        "demo:demo",
        "Run everything in about five minutes: pretrain four models on the embedded flowers, measure and compare them.",
    ),
    "pretrain": (
        "pretrain:pretrain:PretrainCommand",
        "Pretrain LooC, LooC++ or a method that they are compared with: runs/NAME/ with checkpoint, card and log.",
    ),
    "extract": ("extract:extract", "Extract features into the cache, where every other command finds them."),
    "probe": (
        "probe:probe",
        "Linear probe: strength chosen on a validation split; top-1, top-5 and mean per class on the test split.",
    ),
    "knn": (
        "knn:knn",
        "Nearest-neighbour classification: their number chosen on a validation split, tested on the test split.",
    ),
    "few-shot": (
        "few_shot:few_shot",
        "Few-shot classification: all classes from a few images per class, or N-way K-shot episodes.",
    ),
    "select": (
        "select:select",
        "Choose the best space or concatenation for a task: all tried on validation images, the best one tested.",
    ),
    "rotation": (
        "rotation:rotation",
        "Rotation prediction: which of four exact quarter turns a square crop was given.",
    ),
    "retrieve": (
        "retrieve:retrieve",
        "Nearest neighbours by class and by colour, with a gallery picture; a query is never its own neighbour.",
    ),
    "gallery": (
        "gallery:gallery",
        "Draw the nearest neighbours that several models find for the same images, one above the other.",
    ),
    "map": (
        "map:draw_map",
        "Draw each feature space in two dimensions, coloured by each label; the page shows the image behind a dot.",
    ),
    "sensitivity": (
        "sensitivity:sensitivity",
        "Sensitivity of each space to each image change: invariance, equivariance, and loss of top-1.",
    ),
    "robustness": (
        "robustness:robustness",
        "Evaluate a classifier trained on clean images on corrupted or out-of-distribution ones.",
    ),
    "spectrum": (
        "spectrum:spectrum",
        "Count the dimensions that each space uses, without labels: RankMe and LiDAR.",
    ),
    "evaluate": (
        "evaluate:evaluate",
        "Evaluate a checkpoint on any task, by the task's name or the file of its card.",
    ),
    "bench": (
        "bench:bench",
        "Measure images per second from image file to stored features, by stage; name the bottleneck and its remedy.",
    ),
    "run": (
        "run:run",
        "Run a suite: pretrain the models that it names and measure them, or measure existing checkpoints.",
    ),
    "report": (
        "report:report",
        "Comparison table of the measured rows, for the terminal, a paper, a web page or another program.",
    ),
    "compare": (
        "compare:compare",
        "Compare two checkpoints or features by task: differences with intervals, and images on which they disagree.",
    ),
    "results": ("results:app", "Stores of measured rows: merge, verify, export, import."),
    "tasks": ("tasks:app", "Task cards: list, show, validate."),
    "checkpoints": (
        "checkpoints:app",
        "Checkpoints of any origin: list, inspect, import, export, push to a hub, pull from it.",
    ),
    "runs": ("runs:app", "Pretraining runs: list, show with curves."),
    "suites": ("suites:app", "Suite cards: list, show."),
    "recipes": ("recipes:app", "Recipe cards of pretraining: list, show."),
    "datasets": ("datasets:app", "Data sets: list, download, check, look at."),
    "cache": ("cache:app", "Decoded images and features on this machine: list, remove."),
    "config": ("config:app", "Configured defaults: show, with where each comes from."),
}


def command_names() -> list[str]:
    """Return the names of all commands."""
    return list(_COMMANDS)


def get_command(name: str) -> Any:
    """Return a command, or None for a name that does not exist."""
    return _Commands().get(name)


class _Commands(dict[str, Any]):
    """The commands by name; a command's module is imported when it is asked for."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(_COMMANDS))

    def get(self, name: str, default: Any = None) -> Any:
        """Return a command, or ``default`` for a name that does not exist."""
        if name not in _COMMANDS:
            return default
        place, *attributes = _COMMANDS[name][0].split(":")
        module = importlib.import_module(f"loocbench.cli.{place}")
        found, *kind = (getattr(module, attribute) for attribute in attributes)
        if isinstance(found, typer.Typer):
            group = typer.main.get_group(found)
            group.name = name
            suggest_commands(group)
            return use_configuration(add_common_options(group), (name,), command_names())
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name, cls=kind[0] if kind else None)(found)
        command = add_common_options(typer.main.get_command(alone))
        return use_configuration(command, (name,), command_names())


class LazyGroup(GuardedGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()

    def format_help(self, ctx, formatter):  # type: ignore[no-untyped-def]  # the context's class moved between versions
        """Write the list of commands without importing them."""
        self.commands = {name: TyperCommand(name, help=text) for name, (_, text) in _COMMANDS.items()}
        hide_flag_types(self)
        super().format_help(ctx, formatter)

    def list_commands(self, ctx):  # type: ignore[no-untyped-def]
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
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"loocbench {loocbench.__version__}")
        raise typer.Exit


@app.callback()
def _loocbench(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Pretrain LooC and LooC++, and measure which information a representation kept."""


def main() -> None:
    """The console script."""
    # Read when torch is imported: threads that wait shall soon sleep. By default they spin for long, which on a busy
    # machine costs small problems (a probe on few shots) up to ten times their time; without any spinning the same
    # problems take half as long again on a quiet one. The number is that of GNU's OpenMP, which torch's wheels bring.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
    app(prog_name="loocbench")
