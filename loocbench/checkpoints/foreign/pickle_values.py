"""Reading plain values from a pickle without unpickling it: no class of it is imported, and nothing is called.

For small pickles of plain values and records, such as the index of torch.distributed.checkpoint; pickles of tensors are
torch.load's. What a pickle would call becomes a :class:`Record` of the name and the arguments.
"""

from __future__ import annotations

import pickletools
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loocbench.errors import UserError

_VALUES = frozenset(
    (
        *("NONE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
        *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    )
)
_CONSTANTS = {"NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True)
class Global:
    """A class or function that a pickle names: "torch.Size"."""

    name: str


@dataclass(eq=False)
class Record:
    """What a pickle would make of a call: the class or function, its arguments, and the object's state."""

    name: str
    arguments: tuple[Any, ...]
    state: Any = field(default=None)

    def get(self, key: str) -> Any:
        """Return an attribute of the object, or None."""
        return self.state.get(key) if isinstance(self.state, dict) else None


def read_values(path: Path, allowed: Container[str]) -> Any:
    """Return what the pickle of a file describes: values, lists, dicts, tuples, and records of ``allowed`` classes.

    Raises UserError for a pickle that names anything else, and for one that is damaged.
    """
    stack: list[Any] = []
    below: list[list[Any]] = []  # stacks below the marks
    memo: dict[Any, Any] = {}
    try:
        for instruction, argument, _ in pickletools.genops(path.read_bytes()):
            name = instruction.name
            if name in _VALUES:
                stack.append(argument)
            elif name in _CONSTANTS:
                stack.append(_CONSTANTS[name])
            elif name == "MEMOIZE":
                memo[len(memo)] = stack[-1]
            elif name in ("BINPUT", "LONG_BINPUT"):
                memo[argument] = stack[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                stack.append(memo[argument])
            elif name == "MARK":
                below.append(stack)
                stack = []
            elif name in ("TUPLE", "LIST", "APPENDS", "SETITEMS", "ADDITEMS", "DICT"):
                items, stack = stack, below.pop()
                _use_items(name, items, stack)
            elif name in _TUPLES:
                start = len(stack) - _TUPLES[name]
                stack[start:] = [tuple(stack[start:])]
            elif name in ("EMPTY_LIST", "EMPTY_SET"):
                stack.append([])
            elif name == "EMPTY_DICT":
                stack.append({})
            elif name in ("APPEND", "SETITEM"):
                start = len(stack) - (1 if name == "APPEND" else 2)
                items = stack[start:]
                del stack[start:]
                _use_items(f"{name}S", items, stack)
            elif name in ("GLOBAL", "STACK_GLOBAL"):
                parts = str(argument).split(" ", 1) if name == "GLOBAL" else [stack.pop(), stack.pop()][::-1]
                stack.append(_allow(".".join(parts), allowed, path))
            elif name in ("REDUCE", "NEWOBJ"):
                arguments, called = stack.pop(), stack.pop()
                stack.append(Record(called.name, tuple(arguments)))
            elif name == "BUILD":
                state = stack.pop()
                stack[-1].state = state
            elif name == "STOP":
                return stack.pop()
            elif name not in ("PROTO", "FRAME"):
                raise UserError(
                    f"{path} is a pickle of another kind than torch writes ({name}): refused, nothing was run."
                )
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise UserError(f"{path} is truncated or damaged; copy it anew.") from error
    raise UserError(f"{path} is truncated or damaged; copy it anew.")


def _allow(name: str, allowed: Container[str], path: Path) -> Global:
    if name not in allowed:
        raise UserError(f"{path} asks for {name}, code that an index does not need: refused, nothing was run.")
    return Global(name)


def _use_items(name: str, items: list[Any], stack: list[Any]) -> None:
    """Do what an instruction does with the items above a mark. Items of records are dropped."""
    if name == "TUPLE":
        stack.append(tuple(items))
    elif name == "LIST":
        stack.append(items)
    elif name == "DICT":
        stack.append(dict(zip(items[::2], items[1::2], strict=True)))
    elif isinstance(stack[-1], list):
        stack[-1].extend(items)
    elif isinstance(stack[-1], dict):
        stack[-1].update(zip(items[::2], items[1::2], strict=True))
    elif not isinstance(stack[-1], Record):
        raise ValueError("items of what holds none")
