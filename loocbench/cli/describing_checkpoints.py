"""Contents of a checkpoint file, printed as tables or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from loocbench.checkpoints import card_file, networks
from loocbench.checkpoints.foreign.inspecting import Inspection
from loocbench.checkpoints.foreign.size_checks import format_bytes
from loocbench.cli.console import stdout
from loocbench.errors import printable
from loocbench.models import inside_names, spaces
from loocbench.models.preprocessing import describe_assumptions, describe_preprocessing
from loocbench.models.spaces import GENERAL
from loocbench.pretraining.labels import model_label
from loocbench.types import Architecture, CheckpointCard
from loocbench.wording import count_of

_SHOWN = 12  # names per list


def show_checkpoint(inspected: Inspection | CheckpointCard, file: str, *, as_json: bool) -> None:
    """Print what a foreign file or a native checkpoint holds, as tables or as one JSON object with every name."""
    if isinstance(inspected, CheckpointCard):
        as_dict, rows, lists = _card_to_dict(inspected), _list_card_rows(inspected), {}
    else:
        as_dict, rows, lists = _inspection_to_dict(inspected), _list_inspection_rows(inspected), _group_names(inspected)
    if as_json:
        print(json.dumps(as_dict))
        return
    table = Table(title=Text(printable(file)), show_header=False, title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for heading, text in rows:
        table.add_row(heading, Text(printable(text)))
    stdout().print(table)
    for heading, names in lists.items():
        if names:
            stdout().print("\n".join(_format_names(heading, names)), highlight=False, soft_wrap=True, markup=False)


def _group_names(inspected: Inspection) -> dict[str, Sequence[str]]:
    """Return the names of the tensors that were not matched, by heading."""
    return {
        "do not fit": [f"{name} {reason}" for name, reason in inspected.match.wrong.items()],
        "missing": inspected.match.missing,
        "unexpected": inspected.match.unexpected,
        "not recognised, left out": inspected.unknown,
    }


def _list_inspection_rows(inspected: Inspection) -> Iterator[tuple[str, str]]:
    contents, match = inspected.contents, inspected.match
    yield "file", f"{contents.format}, {format_bytes(contents.bytes)}, {len(contents.tensors):,} tensors"
    yield "SHA-256", contents.sha256
    yield "family", inspected.family
    yield "architecture", _describe_architecture(inspected.architecture)
    if inspected.architecture:
        verdict = "every tensor of the backbone" if match.complete else "NOT complete"
        yield "matched", f"{len(match.weights):,}: {verdict}"
    yield "missing", f"{len(match.missing):,}"
    yield "unexpected", f"{len(match.unexpected):,}" + (f"; {len(match.wrong):,} do not fit" if match.wrong else "")
    left = ", ".join(f"{group} ({count:,})" for group, count in inspected.left_out.items())
    yield "left out", left or "nothing"
    if inspected.spaces:
        yield "spaces", ", ".join(_describe_spaces(inspected))
        yield from _list_inside(_measure(inspected))
    if inspected.preprocessing:
        yield (
            "preprocessing",
            f"{describe_preprocessing(inspected.preprocessing.values)}; {inspected.preprocessing.known_from}",
        )
    for note in inspected.notes:
        yield "note", note


def _list_card_rows(card: CheckpointCard) -> Iterator[tuple[str, str]]:
    yield "file", "loocbench's own checkpoint"
    trained = f"{model_label(card)}, trained on {card.dataset}"
    if card.recipe and not card.recipe.untrained:
        trained += f", {card.epochs_done} of {count_of(card.recipe.epochs, 'epoch')}"
    yield "model", trained
    if card.recipe and card.recipe.init:
        begun = card.recipe.init
        source = f", {begun.source}" if begun.source else ""
        yield "began from", f"{begun.name}, trained on {begun.dataset}{source}; weights SHA-256 {begun.weights}"
    yield "architecture", card.backbone
    dims = networks.measure_features(card)
    names = spaces.list_feature_names(card.spaces, separate=card_file.has_separate_stages(card))
    yield "spaces", ", ".join(_format_dimension(name, dims) for name in names)
    yield from _list_inside(dims)
    yield "preprocessing", describe_preprocessing(card.preprocessing)
    if assumed := describe_assumptions(card):
        yield "assumed", assumed
    if card.source:
        yield "source", str(card.source)
    for statement, figures in card.warnings.items():
        yield "warning", f"{statement} ({figures})"
    yield "weights", f"SHA-256 {card.weights}"


def _describe_spaces(inspected: Inspection) -> list[str]:
    """Return "looc (2048-d)" and the like, the default first."""
    names = [name for name in inspected.spaces if name != GENERAL]
    separate = bool(inspected.architecture and inspected.architecture.separate)
    out = []
    for name in spaces.list_feature_names(names, separate=separate):
        parts = spaces.parse_feature_name(name, names, separate=separate)
        out.append(f"{name} ({sum(inspected.spaces[part] for part in parts)}-d)")
    return out


def _measure(inspected: Inspection) -> dict[str, int]:
    """Return the dimensions of the features of a foreign file; nothing if it does not match its architecture."""
    if not inspected.spaces or not inspected.architecture or not inspected.preprocessing:
        return {}
    names = tuple(name for name in inspected.spaces if name != GENERAL)
    size = inspected.preprocessing.values.image_size
    return networks.measure_architecture(inspected.architecture, names, size)


def _list_inside(dims: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """The line of what is inside the network, blocks as a range."""
    blocks = [name for name in dims if name.startswith(inside_names.BLOCK)]
    ranges = [f"{blocks[0]} … {blocks[-1]} ({dims[blocks[0]]:,}-d each)"] if blocks else []
    others = [name for name in dims if inside_names.is_inside(name) and name not in blocks]
    if told := [*ranges, *(_format_dimension(name, dims) for name in others)]:
        yield "inside", ", ".join(told)


def _format_dimension(name: str, dims: Mapping[str, int]) -> str:
    return f"{name} ({dims[name]:,}-d)" if name in dims else name


def _describe_architecture(architecture: Architecture | None) -> str:
    if architecture is None:
        return "not recognised by its tensors: name it with --arch"
    options = ", ".join(f"{name} {value}" for name, value in architecture.options.items())
    return f"{architecture.name}{f' ({options})' if options else ''}"


def _format_names(heading: str, names: Sequence[str]) -> Iterator[str]:
    yield f"{heading}:"
    yield from (f"  {printable(name)}" for name in names[:_SHOWN])
    if len(names) > _SHOWN:
        yield f"  … and {len(names) - _SHOWN:,} more (--json lists all)"


def _card_to_dict(card: CheckpointCard) -> dict[str, Any]:
    return {"native": True, "card": card.model_dump(mode="json"), "features": networks.measure_features(card)}


def _inspection_to_dict(inspected: Inspection) -> dict[str, Any]:
    return {
        "native": False,
        "format": inspected.contents.format,
        "bytes": inspected.contents.bytes,
        "sha256": inspected.contents.sha256,
        "family": inspected.family,
        "architecture": inspected.architecture and inspected.architecture.model_dump(mode="json"),
        "complete": inspected.architecture is not None and inspected.match.complete,
        "matched": list(inspected.match.weights),
        "missing": list(inspected.match.missing),
        "unexpected": list(inspected.match.unexpected),
        "wrong": dict(inspected.match.wrong),
        "left_out": dict(inspected.left_out),
        "not_recognised": list(inspected.unknown),
        "spaces": dict(inspected.spaces),
        "features": _measure(inspected),
        "preprocessing": inspected.preprocessing and inspected.preprocessing.values.model_dump(mode="json"),
        "preprocessing_known": inspected.preprocessing and inspected.preprocessing.known_from,
        "notes": list(inspected.notes),
    }
