"""Options that every command has: -h, -q and -v."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from loocbench.cli.verbosity import choose_verbosity


def _quiet(wanted: bool) -> None:
    if wanted:
        choose_verbosity("quiet")


def _verbose(wanted: bool) -> None:
    if wanted:
        choose_verbosity("verbose")


def _template(
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", callback=_quiet, help="Show results and errors, no progress.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", callback=_verbose, help="Show where errors come from, too.")
    ] = False,
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
    hide_flag_types(command)
    command.context_settings = {**command.context_settings, "help_option_names": ["-h", "--help"]}
    return command
