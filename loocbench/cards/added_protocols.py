"""Protocol cards that plug-ins declare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from loocbench.cards import protocols
from loocbench.cards.protocols import ADDED, ProtocolCard
from loocbench.errors import UserError
from loocbench.toml_files import explain

__all__ = ["ADDED", "add_protocol"]


def add_protocol(fields: Mapping[str, Any], origin: str) -> str:
    """Validate the fields of a protocol card and add it to ``ADDED``. Returns its name.

    origin: where it was declared. Raises UserError for wrong fields, and a name or variant that is taken.
    """
    try:
        card = ProtocolCard.model_validate(dict(fields))
    except ValidationError as error:
        named = fields.get("protocol", "without a name")
        raise UserError(f"{origin}: protocol {named}, {explain(error, ProtocolCard)}.") from error
    if wrong := protocols.find_name_error(card):
        raise UserError(f"{origin}: {wrong}")
    for other in protocols.load_protocols(card.kind):
        if card.protocol == other.protocol or card.variant == other.variant:
            raise UserError(
                f"{origin}: protocol {card.protocol} has the name or the variant of {other.protocol}; choose another."
            )
    ADDED[card.protocol] = card
    return card.protocol
