"""Wrong use of the command line as one line: an unknown option or command with the nearest names, a wrong value.

Usage errors are recognised by what they offer (``format_message``, ``option_name``), for their classes moved between
versions of typer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from loocbench.errors import UserError, unknown

_LEFT_OVER = "got unexpected extra argument"
_PLAIN = {  # what the parser's checks of types say
    "Input should be a valid integer, unable to parse string as an integer": "it is no whole number",
    "Input should be a valid number, unable to parse string as a number": "it is no number",
}


def is_usage_error(error: BaseException) -> bool:
    """Whether the parser of the command line raised this; the help that a group without arguments shows is none."""
    return hasattr(error, "format_message") and type(error).__name__ != "NoArgsIsHelpError"


def explain_usage_error(error: Any) -> UserError:
    """Return the one-line error for a usage error."""
    context = getattr(error, "ctx", None)
    if context is None:
        return UserError(_begin_small(error.format_message()))
    help_command = f"{context.command_path} --help"
    name = getattr(error, "option_name", None)
    options = list(_long_options(context))
    if name is None or name in options or hasattr(error, "param"):
        said = _begin_small(" ".join(error.format_message().split())).removesuffix(".")
        for found, plain in _PLAIN.items():
            said = said.replace(found, plain)
        if said.startswith(_LEFT_OVER):
            said += ": each value follows its option, which is repeated for another value"
        return UserError(f"{said}; '{help_command}' shows how it is used.")
    if not name.startswith("--"):
        if any(name in option.opts for option in context.command.params):  # such as -o without its value
            return UserError(f"{_begin_small(error.format_message())} '{help_command}' shows how it is used.")
        return UserError(f"unknown option '{name}'; names of more than a letter take two dashes; see '{help_command}'.")
    return unknown("option", name, options, listed_by=help_command)


def suggest_commands(group: Any) -> Any:
    """Let a group refuse an unknown command by an error that names the nearest one. Returns the group."""
    resolve_command = group.resolve_command

    def resolve_or_suggest(context: Any, args: list[str]) -> Any:
        require_command(group, context, args)
        return resolve_command(context, args)

    group.resolve_command = resolve_or_suggest
    return group


def require_command(group: Any, context: Any, args: list[str]) -> None:
    """Raise UserError unless the first of ``args`` is a command of the group."""
    names = group.list_commands(context)
    if args and args[0] not in names and not context.resilient_parsing:
        raise unknown("command", args[0], names, listed_by=f"{context.command_path} --help")


def _long_options(context: Any) -> Iterator[str]:
    parameters = [*context.command.params, context.command.get_help_option(context)]
    for option in parameters:
        if option is not None and option.param_type_name == "option" and not getattr(option, "hidden", False):
            yield from (name for name in (*option.opts, *option.secondary_opts) if name.startswith("--"))


def _begin_small(text: str) -> str:
    return text[:1].lower() + text[1:]
