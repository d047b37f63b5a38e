"""Values that are imported when they are first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, TypeVar

Value = TypeVar("Value")


def import_place(place: str) -> Any:
    """Return what ``"package.module:ATTRIBUTE"`` names."""
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


class LazyTable(MutableMapping[str, Value]):
    """A dict of values that modules define; looking at its names imports nothing.

    places: name -> ``"package.module:ATTRIBUTE"``. Values may also be set as in a dict.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places: dict[str, str | None] = {**places}  # None: set as a value
        self._values: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        place = self._places[name]
        if name not in self._values and place is not None:
            self._values[name] = import_place(place)
        return self._values[name]

    def __setitem__(self, name: str, value: Value) -> None:
        self._places.setdefault(name, None)
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._values.pop(name, None)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
