"""Options that every command has: -h, -q, -v and --plugin."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from loocbench.cli.verbosity import choose_verbosity
from loocbench.errors import UserError

_PLUGINS = "loocbench.plugins"  # key of a context's ``meta``: the files that --plugin names


def _quiet(wanted: bool) -> None:
    if wanted:
        choose_verbosity("quiet")


def _verbose(wanted: bool) -> None:
    if wanted:
        choose_verbosity("verbose")


def _remember_plugins(ctx: typer.Context, files: list[Path] | None) -> None:
    ctx.meta[_PLUGINS] = files or []


def _template(
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", callback=_quiet, help="Show results and errors, no progress.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", callback=_verbose, help="Show where errors come from, too.")
    ] = False,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            "--plugin",
            metavar="FILE.py",
            callback=_remember_plugins,
            help="Use what this Python file adds, too (repeatable); see docs/plugins.md.",
        ),
    ] = None,
) -> None:
    """Carry the options."""


def hide_flag_types(command: Any) -> None:
    """Leave out ``<bool>``, which newer versions of typer write beside options that take no value."""
    for option in command.params:
        if getattr(option, "is_flag", False):
            option.metavar = ""
    make_help_option = command.get_help_option

    def get_help_option(ctx: Any) -> Any:
        if option := make_help_option(ctx):
            option.metavar = ""
        return option

    command.get_help_option = get_help_option


def _run_with_plugins(command: Any) -> None:
    """Have a command run with plug-ins in use; an error that one of them raises is one line with its file and line."""
    run = command.invoke

    def invoke(ctx: Any) -> Any:
        from loocbench.plugins import adding, reading

        with ExitStack() as stack:
            try:
                stack.enter_context(adding.plugins_in_use(ctx.meta.get(_PLUGINS, ())))
            except UserError as error:
                if os.environ.get("RANK", "0") != "0":  # torchrun's processes would say the same
                    raise typer.Exit(2) from error
                raise
            try:
                return run(ctx)
            except UserError:
                raise
            except Exception as error:
                if told := reading.explain_failure(error):
                    raise UserError(f"{told}; mend it (-v shows all of the error).") from error
                raise

    command.invoke = invoke


def add_common_options(command: Any) -> Any:
    """Give a command, and all commands of a group, the options that every command has. Returns the command."""
    if hasattr(command, "commands"):
        for one in command.commands.values():
            add_common_options(one)
    else:
        carrier = typer.Typer(add_completion=False)
        carrier.command()(_template)
        for option in typer.main.get_command(carrier).params:
            option.expose_value = False
            command.params.append(option)
        _run_with_plugins(command)
    hide_flag_types(command)
    command.context_settings = {**command.context_settings, "help_option_names": ["-h", "--help"]}
    return command
