"""Static analysis of a pickle of tensors: its opcodes are interpreted symbolically, nothing is executed.

Covers the opcodes that ``torch.load(weights_only=True)`` accepts. Numbers, strings and tuples keep their values; of
everything else only the type is tracked. It lists the storages, and refuses what would allocate more than they hold.
"""

from __future__ import annotations

import math
import pickletools
import re
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from loocbench.errors import UserError

_DIMENSIONS = 64  # of a tensor, the limit of torch
_OVER_STORAGE = tuple(
    f"torch._utils.{name}"
    for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor")
)
_PARAMETERS = (
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.nn.parameter.Parameter",
)
# Called with a number, these allocate that much; torch.save refers to storages, but never calls them.
_ALLOCATING = re.compile(
    r"builtins\.bytearray|torch\.(\w+\.)*\w*(Tensor|Storage)|torch\._utils\._rebuild_nested_tensor"
)


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Storage:
    elements: int


_TENSOR, _OTHER = object(), object()
_PUSHED = frozenset(
    (
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "BINFLOAT",
        "BINUNICODE",
        "SHORT_BINSTRING",
    )
)
_EMPTY = ("EMPTY_LIST", "EMPTY_DICT", "EMPTY_SET")
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_DROPPED = {"APPEND": 1, "SETITEM": 2}


def read_storages(file: IO[bytes], path: Path, size: int) -> Iterator[tuple[str, int]]:
    """Yield (key, number of elements) of each storage that the pickle at the current position refers to, up to its end.

    size: of the file, in bytes. Raises UserError if the pickle is truncated, is not one that torch reads, or would
    allocate more than the storages hold.
    """
    stack: list[Any] = []
    below: list[list[Any]] = []  # stacks below the marks
    memo: dict[Any, Any] = {}
    try:
        for instruction, argument, _ in pickletools.genops(cast(IO[bytes], _Bounded(file, size))):
            name = instruction.name
            if name in _PUSHED:
                stack.append(argument)
            elif name in ("BINPUT", "LONG_BINPUT"):
                memo[argument] = stack[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                stack.append(memo[argument])
            elif name == "MARK":
                below.append(stack)
                stack = []
            elif name in ("TUPLE", "APPENDS", "SETITEMS"):
                items, stack = stack, below.pop()
                if name == "TUPLE":
                    stack.append(tuple(items))
            elif name in _TUPLES:
                start = len(stack) - _TUPLES[name]
                stack[start:] = [tuple(stack[start:])]
            elif name in _EMPTY:
                stack.append(_OTHER)
            elif name in _DROPPED:
                del stack[-_DROPPED[name] :]
            elif name == "GLOBAL":
                stack.append(_Global(_to_python3_name(*str(argument).split(" ", 1))))
            elif name in ("REDUCE", "NEWOBJ"):
                given, called = stack.pop(), stack.pop()
                stack.append(_interpret_call(called, given, path))
            elif name == "BUILD":
                stack.pop()
                if stack[-1] is _TENSOR:  # an older way to set the storage of a tensor, to any size
                    raise UserError(
                        f"{path} changes a tensor after it is made, which torch.save never writes: refused."
                    )
            elif name == "BINPERSID":
                _, _, key, _, elements, *_ = stack.pop()
                stack.append(_Storage(int(elements)))
                yield str(key), int(elements)
            elif name not in ("PROTO", "STOP"):
                raise UserError(
                    f"{path} is a pickle of another kind than torch.save writes; docs/checkpoints.md says how to "
                    "convert it in a sandbox."
                )
    except (ValueError, TypeError, LookupError, EOFError, OverflowError) as error:
        raise UserError(f"{path} is truncated, or not a file of torch.save; download it anew.") from error


def _to_python3_name(module: str, name: str) -> str:
    """Return the Python 3 name of a global: pickles of protocol 2 have names of Python 2, which torch translates."""
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{module}.{name}"


def _interpret_call(called: Any, given: Any, path: Path) -> Any:
    """Return the symbolic result of a call. Raises UserError for one that allocates more than the file holds."""
    name = called.name if isinstance(called, _Global) else ""
    while name == "torch._tensor._rebuild_from_type_v2":  # (function, type, its arguments, state)
        called, _, given, _ = given
        name = called.name if isinstance(called, _Global) else ""
    if _ALLOCATING.fullmatch(name):
        raise UserError(
            f"{path} calls {name}, which weights do not need: refused, nothing was run; docs/checkpoints.md says how "
            "to convert it in a sandbox."
        )
    if name == "torch.Size":
        return given[0]
    if name in _OVER_STORAGE:
        storage, offset, shape, strides, *_ = given
        values, last = _compute_extent(shape, strides)
        held = storage.elements if isinstance(storage, _Storage) else 0
        if values > held or (values and offset + last >= held):
            raise UserError(
                f"{path} claims a tensor of {list(shape)} over a storage of {held:,} values: damaged, or a view that "
                "repeats them; save tensors that are contiguous."
            )
        return _TENSOR
    return _TENSOR if name in _PARAMETERS else _OTHER


def _compute_extent(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, int]:
    """Return the number of elements of a tensor, and the offset of its last element from its first."""
    if len(shape) > _DIMENSIONS or any(length < 0 for length in (*shape, *strides)):
        raise ValueError("not the shape of a tensor")
    last = sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    return math.prod(shape), last


class _Bounded:
    """A file whose ``read`` refuses to read more than the file's size, which would be allocated first."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self.readline, self._file, self._size = file.readline, file, size

    def read(self, count: int) -> bytes:
        """Read ``count`` bytes. Raises ValueError if that is more than the size of the file."""
        if count > self._size:
            raise ValueError("longer than the file")
        return self._file.read(count)
