"""What a checkpoint file holds, for people and for machines."""

from __future__ import annotations

import json as encoder
from collections.abc import Iterator, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from loocbench.checkpoints import networks
from loocbench.checkpoints.foreign.bounds import readable
from loocbench.checkpoints.foreign.importing import Examination
from loocbench.cli.console import stdout
from loocbench.errors import printable
from loocbench.models import spaces
from loocbench.models.network import GENERAL
from loocbench.types import Architecture, CheckpointCard, Preprocessing

_SHOWN = 12  # names of a list


def show(found: Examination | CheckpointCard, file: str, *, json: bool) -> None:
    """As tables, or as one JSON object with every name."""
    if json:
        print(encoder.dumps(_card(found) if isinstance(found, CheckpointCard) else _plain(found)))
        return
    table = Table(title=Text(printable(file)), show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for heading, text in _of_card(found) if isinstance(found, CheckpointCard) else _lines(found):
        table.add_row(heading, Text(printable(text)))
    stdout().print(table)
    if isinstance(found, Examination):
        for heading, names in (
            ("do not fit", [f"{name} {reason}" for name, reason in found.match.wrong.items()]),
            ("missing", found.match.missing),
            ("unexpected", found.match.unexpected),
            ("not recognised, left out", found.unknown),
        ):
            if names:
                stdout().print("\n".join(_listed(heading, names)), highlight=False, soft_wrap=True, markup=False)


def _lines(found: Examination) -> Iterator[tuple[str, str]]:
    contents, match = found.contents, found.match
    yield "file", f"{contents.format}, {readable(contents.bytes)}, {len(contents.tensors):,} tensors"
    yield "SHA-256", contents.sha256
    yield "family", found.layout
    yield "architecture", _architecture(found.architecture)
    if found.architecture:
        verdict = "every tensor of the backbone" if match.complete else "NOT complete"
        yield "matched", f"{len(match.weights):,}: {verdict}"
    yield "missing", f"{len(match.missing):,}"
    yield "unexpected", f"{len(match.unexpected):,}" + (f"; {len(match.wrong):,} do not fit" if match.wrong else "")
    left = ", ".join(f"{group} ({count:,})" for group, count in found.left_out.items())
    yield "left out", left or "nothing"
    if found.spaces:
        yield "spaces", ", ".join(_spaces(found))
    if found.stated:
        yield "preprocessing", f"{_preprocessing(found.stated.preprocessing)}; {found.stated.how}"
    for note in found.notes:
        yield "note", note


def _of_card(card: CheckpointCard) -> Iterator[tuple[str, str]]:
    yield "file", "loocbench's own checkpoint"
    yield "model", f"{card.label}, trained on {card.dataset}"
    yield "architecture", card.backbone
    yield "spaces", ", ".join(spaces.list_feature_names(card.spaces, separate=networks.has_separate_stages(card)))
    yield "preprocessing", _preprocessing(card.preprocessing)
    if card.source:
        yield "source", str(card.source)
    yield "weights", f"SHA-256 {card.weights}"


def _spaces(found: Examination) -> list[str]:
    """ "looc (2048-d)", the default first."""
    names = [name for name in found.spaces if name != GENERAL]
    separate = bool(found.architecture and found.architecture.separate)
    out = []
    for name in spaces.list_feature_names(names, separate=separate):
        parts = spaces.parse_feature_name(name, names, separate=separate)
        out.append(f"{name} ({sum(found.spaces[part] for part in parts)}-d)")
    return out


def _architecture(architecture: Architecture | None) -> str:
    if architecture is None:
        return "not known by its tensors: name it with --arch"
    options = ", ".join(f"{name} {value}" for name, value in architecture.options.items())
    return f"{architecture.name}{f' ({options})' if options else ''}"


def _preprocessing(values: Preprocessing) -> str:
    mean, std = (", ".join(f"{value:g}" for value in triple) for triple in (values.mean, values.std))
    return f"short side {values.resize} px, crop {values.image_size} px, mean {mean}, std {std}"


def _listed(heading: str, names: Sequence[str]) -> Iterator[str]:
    yield f"{heading}:"
    yield from (f"  {printable(name)}" for name in names[:_SHOWN])
    if len(names) > _SHOWN:
        yield f"  … and {len(names) - _SHOWN:,} more (--json lists all)"


def _card(card: CheckpointCard) -> dict[str, Any]:
    return {"native": True, "card": card.model_dump(mode="json")}


def _plain(found: Examination) -> dict[str, Any]:
    return {
        "native": False,
        "format": found.contents.format,
        "bytes": found.contents.bytes,
        "sha256": found.contents.sha256,
        "family": found.layout,
        "architecture": found.architecture and found.architecture.model_dump(mode="json"),
        "complete": found.architecture is not None and found.match.complete,
        "matched": list(found.match.weights),
        "missing": list(found.match.missing),
        "unexpected": list(found.match.unexpected),
        "wrong": dict(found.match.wrong),
        "left_out": dict(found.left_out),
        "not_recognised": list(found.unknown),
        "spaces": dict(found.spaces),
        "preprocessing": found.stated and found.stated.preprocessing.model_dump(mode="json"),
        "preprocessing_known": found.stated and found.stated.how,
        "notes": list(found.notes),
    }
