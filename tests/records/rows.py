"""Rows for tests, and where the store keeps them."""

import json

from loocbench import checksums, provenance
from loocbench.records import store
from loocbench.types import Metric, Row
from tests.conftest import tiny_recipe


def make_row(**changes) -> Row:
    values = {
        "task": "linear/blooms",
        "task_version": 1,
        "dataset": "blooms",
        "fingerprints": {"test": "f"},
        "edition": "e",
        "pretraining_fingerprint": "p",
        "features": "looc++",
        "checkpoint": "a-run",
        "checkpoint_hash": "0123456789abcdef",
        "model": "LooC++ (color, rotation)",
        "backbone": "resnet8",
        "image_size": 16,
        "pretrained_on": "blooms",
        "epochs": 3,
        "recipe": tiny_recipe("looc++"),
        "seed": 0,
        "metrics": {"top1": Metric(value=0.5, low=0.4, high=0.6, n=100)},
        "chosen": {"lambda": 0.1},
        "curve": [{"lambda": 0.1, "val_top1": 0.5}],
        "certificate": 1e-6,
        "seconds": {"features": 1.0},
        "versions": {"torch": "2"},
        "hardware": "a machine",
        "created": provenance.now(),
    }
    return Row(**{**values, **changes})


def make_path(results, suite, kept: Row):
    return store.row_path(
        results, suite, kept.checkpoint, kept.checkpoint_hash, kept.task, kept.task_version, kept.features, kept.seed
    )


def dump_fields(fields):
    """Text of a row's file whose checksum is that of its fields, whatever was changed in them."""
    return json.dumps(checksums.add_checksum({name: fields[name] for name in fields if name != checksums.FIELD}))
