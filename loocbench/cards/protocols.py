"""Protocol cards: settings of a task kind's evaluation, written once for all data sets."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field, SerializeAsAny, ValidationError, ValidationInfo, field_validator

from loocbench.cards.folder import tasks_folder
from loocbench.errors import UserError, unknown
from loocbench.evaluators import KINDS
from loocbench.toml_files import explain, read_card
from loocbench.types import Frozen


class ProtocolCard(Frozen):
    """A protocol. protocol: its file's name without the ending.

    variant: suffix of its tasks' names, as in ``linear/cub200-ridge``; empty for the kind's main protocol.
    title_suffix: follows the data set's name in titles. for_test_sets: whether it evaluates another data set's
    classifier on test-only data sets, instead of working on data sets with training images.
    """

    protocol: str = Field(pattern=r"^[a-z0-9-]+$")
    kind: str
    variant: str = ""
    version: int = Field(ge=1)
    title_suffix: str = ""
    description: str
    cost: str
    for_test_sets: bool = False
    settings: SerializeAsAny[Frozen] = Field(default={}, validate_default=True)

    _check_kind = field_validator("kind")(lambda name: require_kind(name))

    @field_validator("settings", mode="plain")
    @classmethod
    def _check_settings(cls, values: Any, info: ValidationInfo) -> Frozen:
        return parse_settings(info.data.get("kind", ""), values)


ADDED: dict[str, ProtocolCard] = {}  # those of plug-ins, by name


def require_kind(name: str) -> str:
    """Return the name of a task kind. Raises ValueError with the names that exist."""
    if name not in KINDS:
        raise ValueError(f"kind '{name}' is not one of {', '.join(KINDS)}")
    return name


def parse_settings(kind: str, values: Any) -> Frozen:
    """Validate a card's table ``[settings]`` or ``[protocol]``. Raises ValueError that names the field."""
    if kind not in KINDS or isinstance(values, KINDS[kind].protocol):
        return values  # an unknown kind is reported by the field ``kind``
    try:
        return KINDS[kind].protocol.model_validate(values)
    except ValidationError as error:
        raise ValueError(explain(error, KINDS[kind].protocol)) from error


def protocols_folder() -> Path:
    """Return the folder of the protocol cards."""
    return tasks_folder() / "protocols"


def load_protocols(*kinds: str) -> list[ProtocolCard]:
    """Return the protocol cards of some kinds (default: all), in the order of ``KINDS``, each kind's main one first.

    Those of plug-ins are among them. A card's name begins with its kind, so that few cards of other kinds are read.
    """
    order = list(KINDS)
    patterns = [f"{kind}*.toml" for kind in kinds] or ["*.toml"]
    cards = [read_protocol(path) for pattern in patterns for path in protocols_folder().glob(pattern)]
    wanted = [card for card in (*cards, *ADDED.values()) if not kinds or card.kind in kinds]
    return sorted(wanted, key=lambda card: (order.index(card.kind), card.variant, card.protocol))


def load_protocol(name: str) -> ProtocolCard:
    """Return one protocol card. Raises UserError with the names that exist."""
    require_protocol(name)
    return ADDED[name] if name in ADDED else read_protocol(protocols_folder() / f"{name}.toml")


def require_protocol(name: str) -> None:
    """Raise UserError, with the names that exist, unless there is a protocol of this name."""
    known = sorted({*ADDED, *(path.stem for path in protocols_folder().glob("*.toml"))})
    if name not in known:
        raise unknown("protocol", name, known)


def read_protocol(path: Path) -> ProtocolCard:
    """Read and validate one protocol card; its name must be its file's. Raises UserError."""
    return _read_protocol(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _read_protocol(path: Path, changed: int) -> ProtocolCard:
    """Read a file, once per version; changed: its modification time."""
    card = read_card(path, ProtocolCard)
    if card.protocol != path.stem:
        raise UserError(f"{path}: protocol is '{card.protocol}', but the file is {path.name}; rename one.")
    if wrong := find_name_error(card):
        raise UserError(f"{path}: {wrong}")
    return card


def find_name_error(card: ProtocolCard) -> str:
    """Return what is wrong with a protocol's name; "" if it begins with its kind."""
    if card.protocol == card.kind or card.protocol.startswith(f"{card.kind}-"):
        return ""
    return f"the name of protocol {card.protocol} has to begin with its kind, {card.kind}; rename it."
