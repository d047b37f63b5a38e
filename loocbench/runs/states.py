"""The whole state of a run in one safetensors file. A run that is resumed from it continues identically."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor

from loocbench import checksums, files
from loocbench.editions import is_same_edition
from loocbench.errors import UserError
from loocbench.pretraining.loop import Run
from loocbench.types import Recipe

FORMAT = 2
_MOMENTUM = "optimizer.momentum."
_EDITIONS = ("edition", "stylised")  # of an identity


def save(path: Path, run: Run, identity: dict[str, Any]) -> None:
    """Write networks, queues, the optimiser's momentum and the position, atomically.

    identity: what has to be equal for a run to be resumed from it (recipe, images).
    """
    tensors: dict[str, Tensor] = {}
    for part, module in run.training.modules().items():
        tensors |= {f"{part}.{name}": value for name, value in module.state_dict().items()}
    for number, state in run.training.optimizer.sgd.state_dict()["state"].items():
        if state["momentum_buffer"] is not None:
            tensors[f"{_MOMENTUM}{number}"] = state["momentum_buffer"]
    header = {
        "format": FORMAT,
        "identity": identity,
        "epoch": run.position.epoch,
        "step": run.position.step,
        "scaler": run.training.optimizer.scaler.state_dict(),
        "total": [float(value).hex() for value in run.position.total],
    }
    content = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with files.writing(path) as part_file:
        metadata = {"state": json.dumps(header), checksums.FIELD: checksums.BLANK}
        part_file.write_bytes(serialise(content, metadata=metadata))
        checksums.seal_file(part_file)


def load(path: Path, run: Run, identity: dict[str, Any]) -> None:
    """Restore a run from a state. Raises UserError when the file is damaged or belongs to another run."""
    header, tensors = _read(path)
    if not is_same_identity(header["identity"], identity):
        differing = [key for key in identity if not _is_same_field(key, header["identity"].get(key), identity[key])]
        raise UserError(
            f"{path} is of another run ({', '.join(differing) or 'other fields'} differ); resume with the same "
            "options, or start again with --overwrite."
        )
    try:
        for part, module in run.training.modules().items():
            prefix = f"{part}."
            module.load_state_dict(
                {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            )
    except RuntimeError as error:
        raise UserError(f"{path} does not fit its recipe; start again with --overwrite.") from error
    parameters = run.training.optimizer.sgd.param_groups[0]["params"]
    state = {
        int(name.removeprefix(_MOMENTUM)): {
            "momentum_buffer": torch.empty_like(parameters[int(name.removeprefix(_MOMENTUM))]).copy_(
                value
            )  # its layout
        }
        for name, value in tensors.items()
        if name.startswith(_MOMENTUM)
    }
    groups = run.training.optimizer.sgd.state_dict()["param_groups"]
    run.training.optimizer.sgd.load_state_dict({"state": state, "param_groups": groups})
    if header["scaler"]:
        run.training.optimizer.scaler.load_state_dict(header["scaler"])
    run.position.epoch, run.position.step = header["epoch"], header["step"]
    run.position.total = np.array([float.fromhex(value) for value in header["total"]])


def read_identity(path: Path) -> dict[str, Any]:
    """The identity that the state was saved with. Raises UserError when the file is damaged."""
    return _header(path)["identity"]


def is_same_identity(saved: dict[str, Any], identity: dict[str, Any]) -> bool:
    """Whether a run with ``identity`` may go on from a state with ``saved``, which may know file sizes alone."""
    same_keys = saved.keys() == identity.keys()
    return same_keys and all(_is_same_field(key, saved[key], identity[key]) for key in identity)


def _is_same_field(key: str, saved: Any, wanted: Any) -> bool:
    if key == "recipe" and isinstance(saved, dict) and isinstance(wanted, dict):
        return _with_defaults(saved) == _with_defaults(wanted)
    if key in _EDITIONS and isinstance(saved, str) and isinstance(wanted, str):
        return is_same_edition(saved, wanted)
    return bool(saved == wanted)


def _with_defaults(recipe: dict[str, Any]) -> dict[str, Any]:
    """A recipe with the fields that came after the version which wrote it."""
    later = {name: field.get_default() for name, field in Recipe.model_fields.items() if not field.is_required()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in {**later, **recipe}.items()}


def is_whole(path: Path) -> bool:
    """Whether the file is as it was written; one that a crash cut short, or that was damaged later, is not."""
    try:
        _header(path)
    except UserError:
        return False
    return True


def _header(path: Path) -> Any:
    """The header of a whole file of this format. Raises UserError for any other."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if checksums.FIELD in metadata and not checksums.is_sealed(path):
            raise ValueError("its checksum is not that of its bytes")
        if metadata.keys() - {"state", checksums.FIELD}:
            raise KeyError("metadata")
        header = json.loads(metadata["state"])
        if header["format"] != FORMAT:
            raise KeyError("format")
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged or of another version; delete it, or start with --overwrite.") from error
    return header


def _read(path: Path) -> tuple[Any, dict[str, Tensor]]:
    header = _header(path)
    with safe_open(path, framework="pt") as file:
        return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
