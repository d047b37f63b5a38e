"""Reading the tensors of one foreign file. Runs no code of the file, and allocates no more than the file holds."""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from loocbench.checkpoints.foreign import export_statement, file_type, pickle_allowlist, size_checks
from loocbench.checkpoints.foreign.types import FileContents
from loocbench.errors import UserError

_DEPTH = 8  # of nested dicts; state dicts lie at depth 1 to 5
_ENTRIES = 1_000_000  # of all dicts together; the largest models have some ten thousand
TRAINING_STATE = re.compile(  # keys of what training scripts save beside the model
    r"(^|\.)(optimizer|optimizers|optimizer_states|optim|scheduler|lr_schedulers?|scaler|fp16_scaler|grad_scaler|amp"
    r"|loops|callbacks|message_hub|param_schedulers|dino_loss|loss|rng_states?|hyper_parameters)(\.|$)"
)


def read_file(path: Path) -> FileContents:
    """Read a .safetensors file or one that torch.save wrote.

    Raises UserError for a file of another type, a truncated file, one that claims more than it holds, and a pickle that
    refers to anything but tensors and plain values; the message names what it is.
    """
    kind = file_type.detect_file_type(path)
    if kind == "safetensors":
        return _read_safetensors(path)
    check_sizes = size_checks.check_zip if kind == "zip" else size_checks.check_legacy_pickle
    check_sizes(path)
    loaded = load_pickle(path, mmap=kind == "zip")
    if not isinstance(loaded, Mapping):
        raise UserError(f"{path} holds a {type(loaded).__name__}, not weights by name; save the model's state_dict().")
    tensors: dict[str, Tensor] = {}
    try:
        training_state = _flatten(loaded, "", tensors, (), iter(range(_ENTRIES)))
    except _EndlessError as error:
        raise UserError(
            f"{path} holds mappings in mappings without end; save the model's state_dict() alone."
        ) from error
    if not tensors:
        raise UserError(f"{path} holds no tensors; give the file of the model's weights.")
    form = "PyTorch (zip)" if kind == "zip" else "PyTorch (before 1.6)"
    stated = getattr(loaded, export_statement.KEY, None)
    metadata = {export_statement.KEY: stated} if isinstance(stated, str) else {}
    return FileContents(path, form, path.stat().st_size, hash_file(path), tensors, metadata, training_state)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_safetensors(path: Path) -> FileContents:
    size_checks.check_safetensors(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
            metadata = dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is a damaged safetensors file ({error}); download it anew.") from error
    return FileContents(path, "safetensors", path.stat().st_size, hash_file(path), tensors, metadata)


def load_pickle(path: Path, *, part: IO[bytes] | None = None, mmap: bool = False) -> Any:
    """Load a file of torch.save, or the part of it that ``part`` holds, by the allow-list. Raises UserError.

    Its sizes must have been checked (:mod:`~loocbench.checkpoints.foreign.size_checks`).
    """
    try:
        with torch.serialization.safe_globals([*pickle_allowlist.list_safe_globals()]):
            return torch.load(part or path, map_location="cpu", weights_only=True, mmap=mmap)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)|class ([\w.]+)|Unsupported operand (\d+)", str(error))
        wanted = next((name for name in named.groups() if name), None) if named else None
        if wanted is None or wanted.isdigit():
            raise UserError(
                f"{path} is a pickle of another kind than torch.save writes; docs/checkpoints.md says how to convert "
                "it in a sandbox."
            ) from error
        raise UserError(
            f"{path} asks for {wanted}, code that weights do not need: refused, nothing was run; "
            "docs/checkpoints.md says how to convert it in a sandbox."
        ) from error
    except (
        *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError),
        *(MemoryError, OSError, RuntimeError, TypeError, ValueError),
    ) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"{path} is truncated or damaged ({reason}); download it anew.") from error


class _EndlessError(Exception):
    """Nested dicts that hold themselves, or too many entries."""


def _flatten(
    value: Mapping[Any, Any],
    prefix: str,
    into: dict[str, Tensor],
    above: tuple[Mapping[Any, Any], ...],
    budget: Iterator[int],
) -> int:
    """Put the tensors of nested dicts into ``into``; return how many were skipped as training state.

    above: the dicts around ``value``. budget: one item for each entry that may still be visited.
    """
    skipped = 0
    for key, part in value.items():
        if next(budget, None) is None or part is value or any(part is one for one in above):
            raise _EndlessError
        name = f"{prefix}{key}"
        if isinstance(part, Tensor):
            if name in into:
                raise UserError(f"the file has two tensors called {name}; rename one of them.")
            into[name] = part.detach()
        elif isinstance(part, Mapping) and len(above) < _DEPTH:
            if TRAINING_STATE.search(name):
                dropped: dict[str, Tensor] = {}
                skipped += _flatten(part, f"{name}.", dropped, (*above, value), budget) + len(dropped)
            else:
                skipped += _flatten(part, f"{name}.", into, (*above, value), budget)
    return skipped
