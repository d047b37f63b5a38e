"""Defaults that the user sets: in LOOCBENCH_*, in ``loocbench.toml`` here, and in the user's configuration folder.

Each stands before the next, and an option stands before all of them. ``docs/configuration.md`` shows a file.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs

from loocbench.errors import UserError, unknown

FILE = "loocbench.toml"
COMMAND = "command"  # the table whose tables hold options of single commands
_PREFIX = "LOOCBENCH_"
_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}

Kind = Literal["folder", "text", "number", "switch"]


@dataclass(frozen=True)
class Key:
    """A setting that commands share. variables: of the environment, the first one that is set counts. without: commands
    whose option of that name means something else."""

    kind: Kind
    about: str
    variables: tuple[str, ...]
    without: tuple[str, ...] = ()


def _key(name: str, kind: Kind, about: str, *variables: str, without: tuple[str, ...] = ()) -> tuple[str, Key]:
    return name, Key(kind, about, (*variables, f"{_PREFIX}{name.upper()}"), without)


SHARED: Mapping[str, Key] = dict(
    (
        _key("data_dir", "folder", "folder of the data sets' folders", f"{_PREFIX}DATA"),
        _key("cache", "folder", "folder for decoded images and features"),
        _key("cache_size", "text", "size that the cache is kept within"),
        _key("runs", "folder", "folder of the pretraining runs"),
        _key("results", "folder", "folder of the measured rows"),
        _key("suite", "text", "group of rows that single commands write to"),
        _key("site", "folder", "file of what a cluster asks of its jobs"),
        _key("device", "text", "auto, cpu or cuda[:N]"),
        _key("precision", "text", "precision of features", without=("pretrain",)),
        _key("compile", "switch", "torch.compile for features", without=("pretrain",)),
        _key("skip_damaged", "switch", "leave out images that cannot be decoded"),
        _key("seed", "number", "seed of everything random"),
    )
)


@dataclass(frozen=True)
class Found:
    """A value and where it was found: "$LOOCBENCH_RUNS", or a file's path."""

    value: Any
    place: str


@dataclass(frozen=True)
class ConfigFile:
    """A file's settings. shared: by key. commands: options by the command's words, ("runs", "ls")."""

    path: Path
    shared: Mapping[str, Any]
    commands: Mapping[tuple[str, ...], Mapping[str, Any]]


def project_path() -> Path:
    """Return the path of the file beside the work."""
    return Path(FILE)


def user_path() -> Path:
    """Return the path of the user's own file."""
    return Path(platformdirs.user_config_path("loocbench")) / FILE


def read_files() -> list[ConfigFile]:
    """Return the files that are there, the one that counts first. Raises UserError for a mistake in one."""
    return [read_file(path) for path in (project_path(), user_path()) if path.is_file()]


def find_shared(key: str) -> Found | None:
    """Return the value of a shared key, from where it counts first; None where nothing sets it. Raises UserError."""
    return _from_environment(key) or next(
        (Found(file.shared[key], str(file.path)) for file in read_files() if key in file.shared), None
    )


def find_folder(key: str) -> Path | None:
    """Return a shared folder, if one is set."""
    found = find_shared(key)
    return Path(found.value) if found else None


def find_options(command: Sequence[str], options: Sequence[str]) -> dict[str, Found]:
    """Return the settings of a command's options, by option. command: its words.

    In each place the command's own setting stands before the shared one. Raises UserError for an option that the
    command does not have, and for any other mistake in a file.
    """
    places = [_environment_of(command, options), *(_file_of(file, command, options) for file in read_files())]
    merged: dict[str, Found] = {}
    for place in reversed(places):
        merged |= place
    return merged


def read_file(path: Path) -> ConfigFile:
    """Return the settings of a file. Raises UserError naming the file and the key."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}.") from error
    tables = content.pop(COMMAND, {})
    shared = {}
    for name, value in content.items():
        key = name.replace("-", "_")
        if key not in SHARED:
            raise unknown(f"key of {path}", name, [*SHARED, f"{COMMAND}.NAME"], listed_by="loocbench config show")
        shared[key] = _check(value, SHARED[key], f"{path}, {name}", path.parent)
    if not isinstance(tables, dict):
        raise UserError(f"{path}, {COMMAND}: write a table for each command, such as [{COMMAND}.probe].")
    return ConfigFile(path, shared, {words: own for words, own in _list_tables((), tables) if own})


def _list_tables(words: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The options in each table below ``command``, by the command's words."""
    yield words, {name.replace("-", "_"): value for name, value in table.items() if not isinstance(value, dict)}
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _list_tables((*words, name), value)


def _check(value: Any, key: Key, where: str, folder: Path | None = None) -> Any:
    """Return a value as the key needs it; paths of a file are relative to it. Raises UserError."""
    if isinstance(value, str) and folder is None:  # of the environment, which holds text alone
        if key.kind == "switch" and value.lower() in _SWITCH:
            value = _SWITCH[value.lower()]
        elif key.kind == "number" and value.removeprefix("-").isdecimal():
            value = int(value)
    kinds: dict[Kind, type] = {"folder": str, "text": str, "number": int, "switch": bool}
    if type(value) is not kinds[key.kind] or value == "":
        wanted = {"folder": "a path", "text": "a text", "number": "a whole number", "switch": "true or false"}[key.kind]
        raise UserError(f"{where}: {value!r} is not {wanted} ({key.about}).")
    if key.kind == "folder":
        path = Path(str(value)).expanduser()
        return str(path if folder is None else folder / path)
    return value


def _from_environment(key: str) -> Found | None:
    for variable in SHARED[key].variables:
        if text := os.environ.get(variable):
            return Found(_check(text, SHARED[key], f"${variable}"), f"${variable}")
    return None


def _environment_of(command: Sequence[str], options: Sequence[str]) -> dict[str, Found]:
    """What the environment sets of a command's options: $LOOCBENCH_PROBE_SOLVER, or a shared key."""
    prefix = _PREFIX + "_".join(command).replace("-", "_").upper()
    found = {}
    for option in options:
        variable = f"{prefix}_{option.upper()}"
        if text := os.environ.get(variable):
            found[option] = Found(text, f"${variable}")
        elif _is_shared(option, command) and (one := _from_environment(option)):
            found[option] = one
    return found


def _file_of(file: ConfigFile, command: Sequence[str], options: Sequence[str]) -> dict[str, Found]:
    """What a file sets of a command's options."""
    own = file.commands.get(tuple(command), {})
    for name in own:
        if name not in options:
            raise unknown(f"option of {' '.join(command)} in {file.path}", name, options)
    shared = {name: value for name, value in file.shared.items() if name in options and _is_shared(name, command)}
    return {name: Found(value, str(file.path)) for name, value in {**shared, **own}.items()}


def _is_shared(option: str, command: Sequence[str]) -> bool:
    return option in SHARED and command[0] not in SHARED[option].without
