"""loocbench's own checkpoint format: a safetensors file whose metadata holds the card and its checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise

from loocbench import checksums, files
from loocbench.checkpoints import requirements, trust
from loocbench.errors import UserError
from loocbench.models.preprocessing import describe_invalid
from loocbench.types import CheckpointCard

FILE = "checkpoint.safetensors"
_CARD = "card"  # key of the metadata: the card as JSON with a checksum, which files of older versions lack
_FIELDS = tuple(f'"{name}":' for name in CheckpointCard.model_fields if CheckpointCard.model_fields[name].is_required())


@dataclass(frozen=True)
class Checkpoint:
    """A card and the tensors of the query encoder.

    where: the path of its file, or its reference where it has none.
    """

    card: CheckpointCard
    weights: Mapping[str, torch.Tensor]
    where: str


def weights_hash(weights: Mapping[str, torch.Tensor]) -> str:
    """Return the SHA-256 over the names, types, shapes and bytes of the tensors, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def save(path: Path, card: CheckpointCard, weights: Mapping[str, torch.Tensor]) -> None:
    """Write a checkpoint atomically. ``card.weights`` must be :func:`weights_hash` of ``weights``."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}
    with files.writing(path) as part:
        text = json.dumps(checksums.add_checksum(card.model_dump(mode="json")))
        part.write_bytes(serialise(tensors, metadata={_CARD: text}))


def load(path: Path) -> Checkpoint:
    """Read a checkpoint. Runs no code from the file.

    Raises UserError when the file is missing, truncated, not a loocbench checkpoint, altered since it was written, or
    when its card names code on the user's Python path that the user has not confirmed for it, or needs a plug-in that
    is not in use.
    """
    checkpoint = load_unconfirmed(path)
    requirements.require_plugins(checkpoint.card, str(path))
    trust.require_confirmed_code(checkpoint.card, str(path))
    return checkpoint


def load_unconfirmed(path: Path) -> Checkpoint:
    """As :func:`load`, without requiring confirmed code: for callers that do not build the network."""
    with _open_safetensors(path) as file:
        card = _parse_card(path, file.metadata())
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
    if weights_hash(weights) != card.weights:
        raise UserError(f"{path} was altered after it was written (its weights do not match its card); copy it anew.")
    return Checkpoint(card, weights, str(path))


def is_native(path: Path) -> bool:
    """Whether a file is a safetensors file with a loocbench card, be it damaged. Others may call something else so."""
    if not path.is_file():  # opening a FIFO would wait for ever
        return False
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError):
        return False
    return any(map(_resembles_card, metadata.values()))


def read_card(path: Path) -> CheckpointCard:
    """Read the card without the weights. Raises UserError as :func:`load`."""
    with _open_safetensors(path) as file:
        return _parse_card(path, file.metadata())


@contextmanager
def _open_safetensors(path: Path) -> Iterator[Any]:
    if not path.is_file():
        raise UserError(f"no checkpoint file {path}; name a .safetensors file or a run's folder.")
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is truncated or not a safetensors file; copy it anew or pretrain again.") from error


def _parse_card(path: Path, metadata: Mapping[str, str] | None) -> CheckpointCard:
    if not metadata or not any(map(_resembles_card, metadata.values())):
        raise UserError(
            f"{path} is not a loocbench checkpoint (it has no card); 'loocbench checkpoints import' makes it one."
        )
    try:
        fields, unaltered = checksums.take_checksum(json.loads(metadata[_CARD]))
    except (KeyError, ValueError, AttributeError) as error:
        raise UserError(f"the card of {path} is damaged; copy the file anew.") from error
    if unaltered is False:
        raise UserError(f"the card of {path} was altered after it was written; copy the file anew.")
    try:
        return CheckpointCard.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        if "preprocessing" in error.errors()[0]["loc"]:
            raise UserError(f"the card of {path}: {describe_invalid(error)}; copy or import it anew.") from error
        raise UserError(f"the card of {path} is not of this version of loocbench; pretrain again.") from error


def _resembles_card(text: str) -> bool:
    """Whether text is a card, be it damaged: it names most of a card's fields."""
    compact = text.replace('": ', '":')
    return 2 * sum(field in compact for field in _FIELDS) > len(_FIELDS)
