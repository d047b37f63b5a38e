"""loocbench's own checkpoint format: a safetensors file whose metadata holds the card and its checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save as serialise

from loocbench import checksums, files
from loocbench.checkpoints import card_file, requirements, trust
from loocbench.errors import UserError
from loocbench.types import CheckpointCard


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
        part.write_bytes(serialise(tensors, metadata={card_file.CARD: text}))


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
    with card_file.open_safetensors(path, "pt") as file:
        card = card_file.parse_card(path, file.metadata())
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
    if weights_hash(weights) != card.weights:
        raise UserError(f"{path} was altered after it was written (its weights do not match its card); copy it anew.")
    return Checkpoint(card, weights, str(path))
