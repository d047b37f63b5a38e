"""``loocbench config show``: the configured defaults, and where each comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import typer

from loocbench.cli import options as o

app = typer.Typer(no_args_is_help=True, help="Configured defaults: show, with where each comes from.")


class Setting(NamedTuple):
    """A setting. command: whose option it is, "" for those that commands share. source: environment, project file,
    user's file or built in; place: the variable, or the file's path."""

    command: str
    key: str
    value: Any
    source: str
    place: str


@app.callback()
def _group() -> None:
    """Keep ``show`` a command of its own: a group of one would lose its name."""


@app.command("show")
def show_configuration(as_json: o.Json = False) -> None:
    """Show every setting that commands share, and those of single commands, with where each comes from."""
    from loocbench import configuration
    from loocbench.cli.console import stdout
    from loocbench.cli.listing import Heading, print_list

    settings = [*_shared_settings(), *_command_settings()]
    paths = {"project": configuration.project_path(), "user": configuration.user_path()}
    if as_json:
        import json

        files = {name: {"path": str(path), "exists": path.is_file()} for name, path in paths.items()}
        print(json.dumps({"files": files, "settings": [one._asdict() for one in settings]}))
        return
    lines = [
        [" ".join(filter(None, [one.command, one.key])), _format(one.value), one.source, one.place] for one in settings
    ]
    headings = [Heading("setting"), Heading("value"), Heading("from"), Heading("where", spare=1)]
    print_list(stdout(), headings, lines, all_by="--json has all")
    for name, path in paths.items():
        known = "" if path.is_file() else " (not there)"
        stdout().print(f"{name} file: {path}{known}", highlight=False, soft_wrap=True, markup=False)


def _shared_settings() -> Iterator[Setting]:
    from loocbench import configuration

    built_in = _built_in()
    for key in configuration.SHARED:
        found = configuration.find_shared(key)
        if found:
            yield Setting("", key, found.value, _source(found.place), found.place)
        else:
            yield Setting("", key, built_in[key], "built in", "")


def _command_settings() -> Iterator[Setting]:
    """The settings of single commands: every table of the files is checked."""
    from loocbench import configuration
    from loocbench.cli import command_names, get_command
    from loocbench.cli.configured import find_defaults, list_options, require_commands
    from loocbench.errors import unknown

    require_commands(command_names())
    tables = [words for file in configuration.read_files() for words in file.commands]
    for words in dict.fromkeys([*tables, *_commands_of_environment()]):
        command = get_command(words[0])
        for name in words[1:]:
            within = getattr(command, "commands", {})
            if name not in within:
                raise unknown(f"command of {words[0]} in the configuration", name, within)
            command = within[name]
        if hasattr(command, "commands"):
            raise unknown(f"command of {words[0]} in the configuration", "", command.commands)
        names = {option.name: name for name, option in list_options(command).items()}
        for parameter, one in find_defaults(command, words).items():
            shared = configuration.find_shared(names[parameter]) if names[parameter] in configuration.SHARED else None
            if one != shared:
                yield Setting(" ".join(words), names[parameter], one.value, _source(one.place), one.place)


def _commands_of_environment() -> Iterator[tuple[str, ...]]:
    """The words of the commands that variables of the environment may be about."""
    from loocbench.cli import command_names, get_command

    def list_words(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        prefix = "_".join(["LOOCBENCH", *words, ""]).replace("-", "_").upper()
        if any(variable.startswith(prefix) for variable in os.environ):
            if command is None:
                command = get_command(words[0])
            within = getattr(command, "commands", {})
            yield from (found for name, one in within.items() for found in list_words(one, (*words, name)))
            if not within:
                yield words

    for name in command_names():
        yield from list_words(None, (name,))


def _built_in() -> dict[str, Any]:
    import platformdirs

    from loocbench.jobs.settings import EvaluationSettings

    usual = EvaluationSettings()
    cache = platformdirs.user_cache_path("loocbench")
    return {
        "data_dir": str(cache / "data"),
        "cache": str(cache),
        "cache_size": None,
        "runs": str(usual.runs),
        "results": str(usual.results),
        "suite": usual.suite,
        "site": None,
        "device": usual.device,
        "precision": usual.precision,
        "compile": usual.compiled,
        "skip_damaged": usual.skip_damaged,
        "seed": usual.seed,
    }


def _source(place: str) -> str:
    from loocbench import configuration

    if place.startswith("$"):
        return "environment"
    return "project file" if Path(place) == configuration.project_path() else "user's file"


def _format(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
