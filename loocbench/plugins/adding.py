"""Adding plug-ins to the tables of data sets, augmentations, methods, task kinds and architectures."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from loocbench.errors import UserError
from loocbench.plugins import checking
from loocbench.plugins.in_use import IN_USE, LoadedPlugin
from loocbench.plugins.plugin import Part
from loocbench.plugins.reading import read_file, read_installed

VARIABLE = "LOOCBENCH_PLUGINS"  # files, separated as those of PATH


@contextmanager
def plugins_in_use(files: Sequence[Path] = ()) -> Iterator[None]:
    """Context in which plug-ins are in use: those installed, those of ``$LOOCBENCH_PLUGINS``, and these files.

    Raises UserError for a plug-in that cannot be read, or whose names are taken. Then none of it is added.
    """
    with _add_all(files):
        yield


def use_plugins(*files: str | Path) -> None:
    """Use plug-ins in this process from now on: those installed, those of ``$LOOCBENCH_PLUGINS``, and these files.

    >>> loocbench.use_plugins("mine.py")
    >>> checkpoint = loocbench.pretrain("looc", augmentations=["color", "tint"])

    Args:
        *files: Python files that declare a ``PLUGIN``, as ``--plugin`` takes them; see docs/plugins.md.

    Raises:
        UserError: for a file that cannot be read or run, or a name that is taken; the message names file and line.
            Then none of the plug-ins is added.
    """
    _add_all([Path(file) for file in files])


def _add_all(files: Sequence[Path]) -> ExitStack:
    """Add plug-ins; what is returned takes them away when it is closed. One that is in use already stays as it is."""
    named = [Path(file) for file in os.environ.get(VARIABLE, "").split(os.pathsep) if file]
    with ExitStack() as stack:
        once = {path.resolve(): path for path in [*named, *files]}
        read = [*read_installed(), *map(read_file, once.values())]
        for one in read:
            before = IN_USE.get(one.plugin.name)
            if before and (before.code, before.digest) == (one.code, one.digest):
                continue
            if before:
                raise UserError(
                    f"two plug-ins are called {one.plugin.name}: {before.code} and {one.code}; rename one of them."
                )
            stack.enter_context(_add(one))
        return stack.pop_all()


def _add(loaded: LoadedPlugin) -> ExitStack:
    """Add the things of one plug-in to the tables; what is returned takes them away. Raises UserError."""
    plugin, origin = loaded.plugin, loaded.origin
    checking.require_sound(plugin, origin)
    with ExitStack() as stack:
        for part, table in _find_tables(loaded).items():
            for one in getattr(plugin, part):
                checking.require_free(part, one.name, table, origin)
                table[one.name] = one
                stack.callback(table.__delitem__, one.name)
        if plugin.architectures:
            _require_free_architectures(loaded)
        if plugin.augmentations:
            _add_augmentations(loaded, stack)
        if plugin.protocols:
            from loocbench.cards import added_protocols

            for fields in plugin.protocols:
                name = added_protocols.add_protocol(fields, origin)
                stack.callback(added_protocols.ADDED.__delitem__, name)
        IN_USE[plugin.name] = loaded
        stack.callback(IN_USE.__delitem__, plugin.name)
        return stack.pop_all()


def _find_tables(loaded: LoadedPlugin) -> dict[Part, MutableMapping[str, Any]]:
    """Return the tables that a plug-in adds to; modules are imported only where it does."""
    from loocbench.lazy_table import import_place

    places: dict[Part, str] = {
        "datasets": "loocbench.data.entries:ENTRIES",
        "methods": "loocbench.pretraining.methods:METHODS",
        "task_kinds": "loocbench.evaluators:KINDS",
        "architectures": "loocbench.models.backbone:ADDED",
    }
    return {part: import_place(place) for part, place in places.items() if getattr(loaded.plugin, part)}


def _require_free_architectures(loaded: LoadedPlugin) -> None:
    """Raise UserError for a name of loocbench's own backbones, or of torchvision's models."""
    import torchvision

    from loocbench.models import backbone_names

    taken = {*backbone_names.SMALL, *torchvision.models.list_models(module=torchvision.models)}
    for name in loaded.plugin.names("architectures"):
        checking.require_free("architectures", name, taken, loaded.origin)


def _add_augmentations(loaded: LoadedPlugin, stack: ExitStack) -> None:
    """Add augmentations behind those that are there. Raises UserError for a name or a stream that is taken."""
    from loocbench.views import augmentations

    for one in loaded.plugin.augmentations:
        there = augmentations.AUGMENTATIONS
        checking.require_free("augmentations", one.name, [other.name for other in there], loaded.origin)
        if same := next((other for other in there if other.stream == one.stream), None):
            raise UserError(
                f"{loaded.origin}: augmentation {one.name} has stream {one.stream}, as {same.name}; choose another."
            )
        augmentations.add_augmentation(one)
        stack.callback(augmentations.remove_augmentation, one)
