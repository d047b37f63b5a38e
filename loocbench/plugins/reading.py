"""Reading plug-ins from files and from installed packages."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from loocbench.errors import UserError
from loocbench.plugins.in_use import IN_USE, LoadedPlugin
from loocbench.plugins.plugin import Plugin

GROUP = "loocbench.plugins"  # of entry points
VALUE = "PLUGIN"  # what a plug-in's file calls its declaration


def read_file(path: Path) -> LoadedPlugin:
    """Run a Python file and return the plug-in that it declares as ``PLUGIN``. Raises UserError.

    What goes wrong in the file is one line that names it and its line.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the plug-in {path}: {(error.strerror or str(error)).lower()}.") from error
    place = path.resolve()
    module = ModuleType(f"loocbench_plugin_{place.stem}")
    module.__file__ = str(place)
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module  # pydantic and dataclasses look up annotations there
    try:
        exec(compile(source, str(place), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        _restore_module(module.__name__, before)
        raise UserError(f"{describe_error(error, path, place)}; mend it, or leave --plugin {path} out.") from error
    found = vars(module).get(VALUE)
    if not isinstance(found, Plugin):
        raise UserError(f"{path} declares no plug-in; end it with {VALUE} = Plugin(…), as docs/plugins.md shows.")
    return LoadedPlugin(found, place.name, place, given=True, source=source)


def read_installed() -> Iterator[LoadedPlugin]:
    """Yield the plug-ins of installed packages, which name them as entry points of the group ``loocbench.plugins``.

    Raises UserError, with the file and line, for one that cannot be imported.
    """
    for point in _find_entry_points(tuple((place, _changed(Path(place))) for place in sys.path)):
        origin = f"{point.dist.name} {point.dist.version}" if point.dist else point.module
        try:
            found = point.load()
        except Exception as error:
            told = describe_error(error, Path(point.module), None)
            raise UserError(f"the plug-in {point.name} of {origin}: {told}; mend or uninstall it.") from error
        if not isinstance(found, Plugin):
            raise UserError(f"{point.value} of {origin} is not a Plugin; mend its entry point, or uninstall it.")
        yield LoadedPlugin(found, origin, _find_code(point.module))


@lru_cache(maxsize=1)
def _find_entry_points(places: tuple[tuple[str, int], ...]) -> tuple[metadata.EntryPoint, ...]:
    """Entry points of plug-ins by name; reading what all installed packages say of themselves takes milliseconds.

    places: the folders where Python finds packages, with the time of their last change: one installed since is found.
    """
    return tuple(sorted(metadata.entry_points(group=GROUP), key=lambda one: one.name))


def _changed(folder: Path) -> int:
    """Time of a folder's last change in nanoseconds; 0 where there is none."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0


def describe_error(error: BaseException, named: Path, place: Path | None) -> str:
    """Return "FILE, line N: what is wrong" of an error raised while a plug-in was read.

    place: the file whose line is wanted; None for wherever it was raised.
    """
    if isinstance(error, SyntaxError) and error.filename and (place is None or error.filename == str(place)):
        return f"{named if place else error.filename}, line {error.lineno}: {error.msg}"
    frames = [one for one in traceback.extract_tb(error.__traceback__) if place in (None, Path(one.filename))]
    reason = _say(error)
    if not frames:
        return f"{named}: {reason}"
    return f"{named if place else frames[-1].filename}, line {frames[-1].lineno}: {reason}"


def explain_failure(error: BaseException) -> str:
    """Return in one line where a plug-in in use raised an error; "" for an error that came from elsewhere."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        for name, one in IN_USE.items():
            if one.holds(frame.filename):
                file = Path(frame.filename).name
                return f"the plug-in {name} failed in {file}, line {frame.lineno} ({frame.name}): {_say(error)}"
    return ""


def _say(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _find_code(module: str) -> Path:
    """Return a module's file, or the folder of its package, whose other modules may be part of the plug-in."""
    found: Any = sys.modules[module]
    file = Path(found.__file__ or ".").resolve()
    return file.parent if found.__package__ else file


def _restore_module(name: str, before: ModuleType | None) -> None:
    if before is None:
        sys.modules.pop(name, None)
    else:
        sys.modules[name] = before
