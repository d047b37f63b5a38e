"""Why a stored row cannot be reused: everything that determines its figures has to be equal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loocbench.cards.tasks import TaskCard
from loocbench.changes import applying
from loocbench.checkpoints import networks
from loocbench.data import decoding
from loocbench.editions import is_same_edition, join_editions
from loocbench.features import cache_keys
from loocbench.features.inference_config import InferenceConfig
from loocbench.plugins import in_use
from loocbench.records import store
from loocbench.types import CheckpointCard, Conditions, Dataset, Row

PRECISION = "precision"  # the statement of rows whose features were not computed in float32
_SHOWN = 60  # characters of a value in a message

Data = tuple[Dataset, Dataset | None]


@dataclass(frozen=True)
class Wanted:
    """What is to be measured. features: their name in the row. data: the task's data sets; None where absent."""

    task: TaskCard
    checkpoint: CheckpointCard
    features: str
    seed: int
    inference: InferenceConfig
    data: Data | None


def make_conditions(task: TaskCard, checkpoint: CheckpointCard, inference: InferenceConfig) -> Conditions:
    """Return what a row records of the settings that determine it."""
    code = in_use.hash_code("task_kinds", task.kind)
    return Conditions(
        preprocessing=checkpoint.preprocessing,
        network=_to_json(networks.measured_identity(checkpoint)),
        protocol=task.protocol.model_dump(mode="json") | ({"kind_code": code} if code else {}),
        labels=task.labels,
        numerics=", ".join(
            [
                f"decoding {decoding.NUMBER}",
                f"changes {applying.VERSION}",
                f"features {cache_keys.VERSION}",
                inference.numerics,
            ]
        ),
    )


def reuse_error(kept: Row | store.UnreadableRow, wanted: Wanted) -> str:
    """Return why a stored row cannot be reused, or nothing where it can.

    A row of a schema before 3 does not record crop, normalisation, options of the network, protocol and rounding: it is
    reused where all that it does record is equal.
    """
    if isinstance(kept, store.UnreadableRow):
        return f"is there, but {kept.reason}"
    if wanted.data and not _is_of(kept, wanted.task, wanted.data):
        return f"was measured on other images of {kept.dataset}"
    now = make_conditions(wanted.task, wanted.checkpoint, wanted.inference)
    if kept.measured_with is not None:
        differing = list(_find_differences(kept.measured_with, now))
    else:
        size = now.preprocessing.image_size  # an untrained network's weights do not depend on it
        precision = kept.stated.get(PRECISION, "float32")
        pairs: dict[str, tuple[Any, Any]] = {
            "image_size": (kept.image_size, size),
            "precision": (precision, wanted.inference.precision),
            "network": (kept.backbone, wanted.checkpoint.backbone),
        }
        if kept.recipe and wanted.checkpoint.recipe:
            pairs["recipe"] = (kept.recipe.model_dump(), wanted.checkpoint.recipe.model_dump())
        differing = [_format_difference(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1]]
    places = {
        "task": (kept.task, kept.task if kept.task == wanted.task.former_task else wanted.task.task),
        "task version": (kept.task_version, wanted.task.version),
        "weights": (kept.checkpoint_hash, wanted.checkpoint.weights),
        "features": (kept.features, wanted.features),
        "seed": (kept.seed, wanted.seed),
    }
    differing += [_format_difference(name, *pair) for name, pair in places.items() if pair[0] != pair[1]]
    return f"was measured with {'; '.join(differing)}" if differing else ""


def list_fingerprints(dataset: Dataset, other: Dataset | None) -> dict[str, str]:
    """Return fingerprints by split; those of a second data set with its name before them."""
    own = {name: split.fingerprint for name, split in dataset.splits.items()}
    return own | ({f"{other.name} {name}": split.fingerprint for name, split in other.splits.items()} if other else {})


def name_edition(dataset: Dataset, other: Dataset | None) -> str:
    """Return the edition of a task's data sets together."""
    return join_editions(one.edition() for one in (dataset, other) if one)


def _is_of(row: Row, card: TaskCard, data: Data) -> bool:
    """Whether a row was measured on these images, and states of them what one measured now would."""
    if row.fingerprints != list_fingerprints(*data) or not is_same_edition(row.edition, name_edition(*data)):
        return False
    stated = card.task_kind.expected_statements(data[0])
    return all(row.stated.get(name, value) == value for name, value in stated.items())


def _find_differences(kept: Conditions, now: Conditions) -> Iterator[str]:
    """One phrase for each setting that differs: "mean 0.485 0.456 0.406, now 0.5 0.5 0.5"."""
    before, after = (_flatten(one.model_dump(mode="json")) for one in (kept, now))
    for name in {**before, **after}:
        if before.get(name) != after.get(name):
            yield _format_difference(name, before.get(name), after.get(name))


def _flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name; those within settings under their own names."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flatten(value) if isinstance(value, dict) else {name: value}
    return flat


def _format_difference(name: str, before: Any, now: Any) -> str:
    return f"{name} {_format_value(before)}, now {_format_value(now)}"


def _format_value(value: Any) -> str:
    if value in (None, "", (), [], {}):
        return "none"
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _to_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as they are read back from JSON."""
    found: dict[str, Any] = json.loads(json.dumps(values))
    return found
