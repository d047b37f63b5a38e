"""Experiments, the lines of a table: rows that differ only in pretraining seed, task and time of measurement."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from loocbench.pretraining.methods import METHODS, method_position
from loocbench.report.table.labels import natural_key
from loocbench.types import UNTRAINED, Row
from loocbench.wording import count_of


@dataclass(frozen=True)
class Experiment:
    """Rows of one model and one kind of features.

    model, features, trained_on: labels of its line. family: the pretraining method, or "" for weights from elsewhere;
    lines of one family stand together. rows: at least one.
    """

    model: str
    features: str
    trained_on: str
    family: str
    rows: tuple[Row, ...]

    @property
    def name(self) -> str:
        """ "LooC++ (color, rotation), looc++"."""
        return f"{self.model}, {self.features}"

    @property
    def checkpoints(self) -> set[str]:
        """Names of its checkpoints, one per pretraining seed."""
        return {row.checkpoint for row in self.rows}

    @property
    def seeds(self) -> int:
        """Number of checkpoints, one per pretraining seed."""
        return len({row.checkpoint_hash for row in self.rows})


def group_rows(rows: Sequence[Row]) -> list[Experiment]:
    """The experiments of some rows: the untrained baseline, then pretraining methods, then weights from elsewhere."""
    alike: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        alike[_identity(row)].append(row)
    groups = [group for members in alike.values() for group in _split_by_input(members)]
    ordered = sorted(groups, key=lambda group: _order(group[0]))
    return [
        Experiment(
            group[0].model, group[0].features, text, group[0].recipe.method if group[0].recipe else "", tuple(group)
        )
        for group, text in zip(ordered, _training_labels(ordered), strict=True)
    ]


def input_identity(rows: Sequence[Row]) -> str:
    """Identity of what one experiment's images were given to: preprocessing and network; "" where no row records it."""
    return next((_format_input(row) for row in rows if row.measured_with), "")


def _split_by_input(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows by preprocessing and network, which a checkpoint that was imported again may have changed.

    Rows of older versions, which do not record them, stand with the others if these are all alike.
    """
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[_format_input(row)].append(row)
    return list(groups.values()) if len(groups.keys() - {""}) > 1 else [list(rows)]


def _format_input(row: Row) -> str:
    return json.dumps(dict(_input_fields(row)), sort_keys=True)[1:-1]


def _input_fields(row: Row) -> Iterator[tuple[str, Any]]:
    """Preprocessing and network of a row, each setting by its own name."""
    if row.measured_with:
        yield from row.measured_with.preprocessing.model_dump(mode="json").items()
        for name, value in row.measured_with.network.items():
            yield from value.items() if isinstance(value, Mapping) else [(name, value)]


def _identity(row: Row) -> str:
    return f"{row.features}\t{training_identity(row)}"


def training_identity(row: Row, *, any_epoch: bool = False) -> str:
    """Identity of a model's training without the seed; for weights from elsewhere, of the weights. any_epoch: the same
    for all epochs of a training."""
    if row.recipe is None:
        weights = "" if row.untrained else row.checkpoint_hash
        return "\t".join([row.model, row.source, weights, row.backbone, str(row.image_size)])
    recipe = row.recipe.model_dump_json(exclude={"seed"})
    epochs = "" if any_epoch else str(row.epochs)
    return "\t".join([row.model, epochs, row.pretrained_on, row.pretraining_fingerprint, row.source, recipe])


def _training_labels(groups: Sequence[Sequence[Row]]) -> list[str]:
    """What each group was trained on; if that reads the same for two groups, with the fields in which they differ."""
    names = [(group[0].model, group[0].features, _trained_on(group)) for group in groups]
    same: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for position, name in enumerate(names):
        same[name].append(position)
    out = [name[2] for name in names]
    for positions in same.values():
        if len(positions) > 1:
            fields = [_training_fields(groups[position]) for position in positions]
            every = list(dict.fromkeys(key for own in fields for key in own))
            differing = [key for key in every if len({str(own.get(key)) for own in fields}) > 1]
            for position, own in zip(positions, fields, strict=True):
                differences = [f"{key.replace('_', ' ')} {own[key]}" for key in differing if key in own]
                out[position] = ", ".join([out[position], *differences])
    return out


def _training_fields(group: Sequence[Row]) -> dict[str, object]:
    """Fields in which two experiments of one name may differ."""
    row = next((row for row in group if row.measured_with), group[0])
    given = {name: _format_setting(value) for name, value in _input_fields(row)}
    given = given or {"preprocessing": "not recorded"}
    if row.recipe is None:
        return {**({} if row.untrained else {"weights": row.checkpoint_hash[:8]}), **given}
    origin = {"from": str(row.recipe.init)} if row.recipe.init else {}
    recipe = row.recipe.model_dump(exclude={"seed", "init"})
    return {**given, **recipe, **origin, "images": row.pretraining_fingerprint[:8]}


def _format_setting(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _trained_on(group: Sequence[Row]) -> str:
    row = group[0]
    network = f"{row.backbone} at {row.image_size} px"
    source = [re.sub(r"(SHA-256 [0-9a-f]{8})[0-9a-f]+", r"\1…", row.source)] if row.source else []
    if row.epochs is None:
        known = row.pretrained_on not in ("", "unknown")
        images = row.pretrained_on if known else "unknown images"
        return ", ".join([images, network, "unknown epochs", *source])
    if row.untrained:
        return ", ".join(["nothing", network])
    images = f"{row.pretrained_on} ({row.pretraining_note})" if row.pretraining_note else row.pretrained_on
    done = describe_part(row) or count_of(row.epochs, "epoch")
    return ", ".join([images, network, done, *source])


def describe_part(row: Row) -> str:
    """Of a checkpoint that a training kept on the way, after which of its epochs: "5 of 40 epochs"; else ""."""
    if row.recipe is None or row.epochs is None or row.epochs >= row.recipe.epochs:
        return ""
    return f"{row.epochs:,} of {count_of(row.recipe.epochs, 'epoch')}"


def _order(row: Row) -> tuple[object, ...]:
    if row.recipe is None:
        place = method_position(UNTRAINED) if row.untrained else len(METHODS) + 1
        own = (natural_key(row.model), row.epochs or 0, "", 0, natural_key(row.features), row.checkpoint_hash)
        return place, 0, *own
    return (
        method_position(row.recipe.method),
        len(row.recipe.left_out),
        natural_key(row.model),
        row.recipe.epochs,
        training_identity(row, any_epoch=True),
        row.epochs or 0,
        natural_key(row.features),
        row.checkpoint_hash,
    )
