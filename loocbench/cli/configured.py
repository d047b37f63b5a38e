"""Commands whose options have the defaults of :mod:`loocbench.configuration`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from loocbench import configuration
from loocbench.configuration import Found
from loocbench.errors import UserError, unknown

_HELP = {"-h", "--help"}


def use_configuration(command: Any, words: Sequence[str], every: Sequence[str]) -> Any:
    """Let a command, and all commands of a group, take defaults from the configuration. Returns the command.

    words: the command's. every: the names of all commands, among which those of the files must be.
    """
    if hasattr(command, "commands"):
        for name, one in command.commands.items():
            use_configuration(one, (*words, name), every)
        return command
    make_context = command.make_context

    def make_configured_context(info_name: Any, args: list[str], parent: Any = None, **extra: Any) -> Any:
        # Help is shown whatever the files hold, and a shell completes.
        lenient = bool(_HELP & set(args)) or extra.get("resilient_parsing", False)
        try:
            require_commands(every)
            extra["default_map"] = {name: one.value for name, one in find_defaults(command, words).items()}
        except UserError:
            if not lenient:
                raise
        return make_context(info_name, args, parent=parent, **extra)

    command.make_context = make_configured_context
    return command


def require_commands(every: Sequence[str]) -> None:
    """Raise UserError for a table of a command that does not exist."""
    for file in configuration.read_files():
        for words in file.commands:
            if not words or words[0] not in every:
                raise unknown(f"command in {file.path}", words[0] if words else "", every)


def find_defaults(command: Any, words: Sequence[str]) -> dict[str, Found]:
    """Return the configured defaults of a command, by its parameters' names. Raises UserError for a wrong value."""
    options = list_options(command)
    found = configuration.find_options(words, list(options))
    for name, one in found.items():
        if options[name].multiple and isinstance(one.value, str):  # several values of a variable are apart by spaces
            shared = configuration.SHARED.get(name)
            folder = shared is not None and shared.kind == "folder"  # one, whose name may hold spaces
            apart = one.place.startswith("$") and not folder
            found[name] = one = Found(one.value.split() if apart else [one.value], one.place)
        _require_fitting(command, options[name], name, one)
    return {options[name].name: one for name, one in found.items()}


def list_options(command: Any) -> dict[str, Any]:
    """Return a command's options by the names that files use: "batch_size" for --batch-size."""
    options = [one for one in command.params if one.param_type_name == "option" and one.expose_value]
    return {next(_long_names(one)): one for one in options}


def _long_names(option: Any) -> Iterator[str]:
    yield from (name.removeprefix("--").replace("-", "_") for name in option.opts if name.startswith("--"))


def _require_fitting(command: Any, option: Any, name: str, one: Found) -> None:
    """Raise UserError unless an option takes the value."""
    try:
        option.process_value(command.context_class(command), one.value)
    except Exception as error:  # a usage error, whose class moved between versions of typer, or that of a callback
        if not isinstance(error, UserError) and not hasattr(error, "format_message"):
            raise
        said = str(error) if isinstance(error, UserError) else error.format_message()
        raise UserError(f"{one.place}, {name} = {one.value!r}: {' '.join(said.split())}") from error
