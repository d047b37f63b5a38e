"""What an exported file states of itself: its images' preprocessing and its network, so that importing takes them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from torch import Tensor

from loocbench.checkpoints.native import weights_hash
from loocbench.errors import UserError
from loocbench.models import architectures
from loocbench.models.preprocessing import describe_invalid
from loocbench.types import Architecture, CheckpointCard, Frozen, Preprocessing

KEY = "loocbench_export"  # of a file's metadata; of an OrderedDict that torch.save wrote, the attribute


class ExportStatement(Frozen):
    """Statement of an exported file, stored in it as JSON under :data:`KEY`.

    architecture: None where the file's names are not those of the card's library. interpolation: of the resizing.
    known_from, assumed: where the preprocessing is known from, and what else was assumed, if that is not certain.
    weights: :func:`~loocbench.checkpoints.native.weights_hash` of the file's tensors. sha256: of the other fields.
    """

    preprocessing: Preprocessing
    interpolation: str = "bilinear"
    architecture: Architecture | None = None
    dataset: str = ""
    known_from: str = ""
    assumed: str = ""
    weights: str = ""
    sha256: str = ""


def write_statement(
    card: CheckpointCard, *, architecture: Architecture | None = None, weights: Mapping[str, Tensor] | None = None
) -> str:
    """Return the statement of an export of the checkpoint with this card, as JSON. weights: None for an ONNX graph."""
    source = card.source
    statement = ExportStatement(
        preprocessing=card.preprocessing,
        interpolation=card.preprocessing.interpolation,
        architecture=architecture,
        dataset="" if card.untrained else card.dataset,
        known_from=source.preprocessing if source else "",
        assumed=source.assumed if source else "",
        weights=weights_hash(weights) if weights else "",
    )
    return statement.model_copy(update={"sha256": _hash_fields(statement)}).model_dump_json()


def read_statement(path: Path, metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> ExportStatement | None:
    """Return what the file states, or None if loocbench did not export it.

    Raises UserError if statement or tensors were altered, and if the network is not one of a library.
    """
    if KEY not in metadata:
        return None
    try:
        statement = ExportStatement.model_validate_json(metadata[KEY])
    except ValidationError as error:
        raise UserError(
            f"what {path} states of itself is not valid ({describe_invalid(error)}); export it anew."
        ) from error
    if statement.sha256 != _hash_fields(statement) or statement.weights != weights_hash(tensors):
        raise UserError(f"{path} was altered after it was exported (its checksum differs); export or copy it anew.")
    if statement.architecture and statement.architecture.name.startswith(architectures.PYTHON):
        raise UserError(
            f"{path} names code ({statement.architecture.name}), which no export does; name it with --arch."
        )
    return statement


def _hash_fields(statement: ExportStatement) -> str:
    """Return the SHA-256 of a statement's JSON without its own checksum."""
    return hashlib.sha256(statement.model_dump_json(exclude={"sha256"}).encode()).hexdigest()
