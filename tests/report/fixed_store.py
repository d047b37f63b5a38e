"""A store of rows that are always the same: what golden files and browser tests show."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np

from loocbench.cards import tasks
from loocbench.evaluators import statistics
from loocbench.types import Items, Metric, Row
from tests.conftest import tiny_recipe
from tests.records.rows import dump_fields, make_path, make_row

SUITE = "fixed"
ITEMS = 400
MODELS = {  # label: (method, what it is better at)
    "Random": ("random", 0.0),
    "MoCo": ("moco", 0.15),
    "LooC++ (color, rotation)": ("looc++", 0.25),
}
FEATURES = {"random": ("looc",), "moco": ("looc",), "looc++": ("looc++", "head:color")}
SEEDS = (0, 1, 2)


@functools.cache
def rows() -> list[Row]:
    """Three models and one from elsewhere, three seeds; probes on a whole set and a subset, few shots, neighbours,
    sensitivity."""
    found = []
    for number, (model, (method, gain)) in enumerate(MODELS.items()):
        for seed in SEEDS:
            for features in FEATURES[method]:
                draw = np.random.default_rng([number, seed, len(features)])
                found += _of(model, method, features, seed, gain + 0.05 * (features == "looc++"), draw)
    draw = np.random.default_rng(99)
    foreign = {"recipe": None, "source": "timm resnet50.a1_in1k", "epochs": None, "backbone": "resnet50"}
    found.append(_probe("ResNet-50 50% | <off>", "looc", 0, "linear/cub200-sgd", 0.6, draw, **foreign))
    return found


def write(results: Path) -> None:
    """The store on disk, not flushed file by file."""
    for one in rows():
        path = make_path(results, SUITE, one)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dump_fields(one.model_dump(mode="json")), encoding="utf-8")


def _of(model: str, method: str, features: str, seed: int, gain: float, draw: np.random.Generator) -> list[Row]:
    recipe = {"recipe": tiny_recipe(method, seed=seed) if method != "random" else _untrained(seed)}
    epochs = {"epochs": 0 if method == "random" else 3}
    common = {**recipe, **epochs}
    return [
        _probe(model, features, seed, "linear/cub200-sgd", 0.3 + gain, draw, **common),
        _probe(model, features, seed, "linear/flowers102", 0.5 + gain, draw, note="subset 300 of 8,189", **common),
        _probe(model, features, seed, "few-shot/flowers102-5-path", 0.4 + gain, draw, **common),
        _probe(model, features, seed, "few-shot/flowers102-10-path", 0.5 + gain, draw, **common),
        _retrieval(model, features, seed, 0.2 + gain, draw, **common),
        _sensitivity(model, features, seed, 0.3 + gain, draw, **common),
    ]


def _untrained(seed: int):
    from loocbench.pretraining import recipes

    return recipes.untrained("resnet8", seed, 16)


def _row(model: str, features: str, seed: int, task: str, note: str = "", **changes: object) -> Row:
    card = tasks.load_task(task)
    slug = "".join(letter if letter.isalnum() else "-" for letter in model.lower()).strip("-")
    name = f"{slug}-s{seed}"
    return make_row(
        task=task,
        task_version=card.version,
        dataset=card.dataset,
        dataset_note=note,
        fingerprints={"test": hashlib.sha256((card.dataset + note).encode()).hexdigest()},
        features=features,
        checkpoint=name,
        checkpoint_hash=hashlib.sha256(name.encode()).hexdigest(),
        model=model,
        seed=seed,
        created="2026-01-01T00:00:00+00:00",
        certificate=None,
        **{"chosen": {}, "curve": [], **changes},
    )


def _probe(
    model: str, features: str, seed: int, task: str, share: float, draw: np.random.Generator, **changes: object
) -> Row:
    right = draw.random(ITEMS) < share
    curve = [{"lambda": 10.0**power, "val_top1": share - 0.02 * abs(power + 3)} for power in range(-5, 0)]
    metrics = {"top1": _share(right)}
    return _row(model, features, seed, task, metrics=metrics, items={"top1": Items.of(right)}, curve=curve, **changes)


def _retrieval(model: str, features: str, seed: int, share: float, draw: np.random.Generator, **changes: object) -> Row:
    right = {name: draw.random(ITEMS) < share for name in ("class_recall1", "color_recall1")}
    metrics = {name: _share(values) for name, values in right.items()}
    return _row(
        model,
        features,
        seed,
        "retrieval/cub200",
        metrics=metrics,
        items={name: Items.of(values) for name, values in right.items()},
        scale={"random": dict.fromkeys(right, 0.01), "oracle": dict.fromkeys(right, 1.0)},
        stated={"foreground": "bounding box"},
        **changes,
    )


def _share(right: np.ndarray) -> Metric:
    """As measured, the interval at 12 decimals: the last digits of a quantile are those of a library's version."""
    found = statistics.wilson_share(right)
    return Metric(value=found.value, low=round(found.low, 12), high=round(found.high, 12), n=found.n)


def _sensitivity(
    model: str, features: str, seed: int, share: float, draw: np.random.Generator, **changes: object
) -> Row:
    task = "sensitivity/blooms"
    metrics = {"top1": _share(draw.random(ITEMS) < share)}
    for change in tasks.load_task(task).protocol.changes:
        for kind, low in (("invariance", 0.5), ("equivariance", share), ("top1_loss", 0.05)):
            value = low + 0.2 * draw.random()
            metrics[f"{change}_{kind}"] = Metric(value=value, low=value - 0.02, high=value + 0.02, n=ITEMS)
    curve = [{"hue": float(angle), "invariance": 1 - angle / 400, "top1": share} for angle in (30, 60, 90)]
    return _row(model, features, seed, task, metrics=metrics, curve=curve, **changes)


if __name__ == "__main__":
    write(Path("results"))
