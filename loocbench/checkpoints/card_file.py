"""The card in a checkpoint's file, read without the weights. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from loocbench import checksums
from loocbench.errors import UserError
from loocbench.models.preprocessing import describe_invalid
from loocbench.pretraining import recipes
from loocbench.types import CheckpointCard

FILE = "checkpoint.safetensors"
CARD = "card"  # key of the metadata: the card as JSON with a checksum, which files of older versions lack
_FIELDS = tuple(f'"{name}":' for name in CheckpointCard.model_fields if CheckpointCard.model_fields[name].is_required())


def is_native(path: Path) -> bool:
    """Whether a file is a safetensors file with a loocbench card, be it damaged. Others may call something else so."""
    if not path.is_file():  # opening a FIFO would wait for ever
        return False
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError):
        return False
    return any(map(_resembles_card, metadata.values()))


def read_card(path: Path) -> CheckpointCard:
    """Read the card without the weights. Raises UserError unless the file has a whole card."""
    with open_safetensors(path, "np") as file:
        return parse_card(path, file.metadata())


@contextmanager
def open_safetensors(path: Path, framework: Literal["np", "pt"]) -> Iterator[Any]:
    """Open a file, whose tensors are numpy's or torch's. Raises UserError when it is missing or damaged."""
    if not path.is_file():
        raise UserError(f"no checkpoint file {path}; name a .safetensors file or a run's folder.")
    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is truncated or not a safetensors file; copy it anew or pretrain again.") from error


def has_separate_stages(card: CheckpointCard) -> bool:
    """Whether each space has its own copy of the last stage (LooC++, MoCo++)."""
    if card.architecture is not None:
        return card.architecture.separate
    assert card.recipe is not None  # CheckpointCard validates that a card has one or the other
    return recipes.has_separate_stages(card.recipe)


def parse_card(path: Path, metadata: Mapping[str, str] | None) -> CheckpointCard:
    """Return the card that a file's metadata hold. Raises UserError where they hold none, or a damaged one."""
    if not metadata or not any(map(_resembles_card, metadata.values())):
        raise UserError(
            f"{path} is not a loocbench checkpoint (it has no card); 'loocbench checkpoints import' makes it one."
        )
    try:
        fields, unaltered = checksums.take_checksum(json.loads(metadata[CARD]))
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
