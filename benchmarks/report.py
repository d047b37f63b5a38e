"""Times ``loocbench report`` on stores of 1,000, 2,500 and 10,000 rows.

Prints the median wall time of new processes, the time per row, and the time of only parsing the same JSON files with
the standard library.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from loocbench import checksums, provenance
from loocbench.cards import tasks
from loocbench.evaluators.statistics import wilson_share
from loocbench.pretraining import recipes
from loocbench.records import store
from loocbench.types import Items, Row

SIZES = (1_000, 2_500, 10_000)
REPEATS = 5
TASKS = ("linear/cub200", "linear/flowers102", "linear/blooms", "knn/cub200", "rotation/cub200")
FEATURES = ("looc++", "head:invariant", "head:color", "head:rotation")
SEEDS = 5  # pretraining seeds of a model
IMAGES = 5_794  # CUB-200-2011's test split

PLAIN = """
import json, sys
from pathlib import Path
rows = [json.loads(path.read_bytes()) for path in sorted(Path(sys.argv[1]).glob("*/*.json"))]
"""


def main() -> None:
    """Fill the stores, time each command, print a table."""
    print(provenance.hardware("cpu"))
    print(f"{'rows':>7} {'markdown':>10} {'ms per row':>10} {'html':>8} {'json.loads alone':>17}")
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            results = Path(folder) / str(size)
            fill_store(results, size)
            report = [sys.executable, "-m", "loocbench", "report", "--results", str(results), "--suite", "many"]
            markdown = median_time([*report, "--format", "markdown"])
            html = median_time([*report, "--format", "html", "--output", str(results / "report.html")])
            plain = median_time([sys.executable, "-c", PLAIN, str(results / "many")])
            print(f"{size:7,} {markdown:8.2f} s {1000 * markdown / size:10.3f} {html:6.2f} s {plain:15.2f} s")


def fill_store(
    results: Path, count: int, *, names: Sequence[str] = TASKS, seeds: int = SEEDS, images: int = IMAGES
) -> None:
    """Write a store of ``count`` rows (checkpoints x features x tasks), each with an answer for every image.

    names: of the tasks. seeds: pretraining seeds of each model. images: test images of each task.
    """
    generator = np.random.default_rng(0)
    cards = [tasks.load_task(task) for task in names]
    versions, hardware, now = provenance.versions(), provenance.hardware("cpu"), provenance.now()
    for number in range(count):
        checkpoint, rest = divmod(number, len(names) * len(FEATURES))
        card, features = cards[rest // len(FEATURES)], FEATURES[rest % len(FEATURES)]
        model, seed = divmod(checkpoint, seeds)
        recipe = recipes.make(
            "looc++", backbone="resnet50", epochs=100 + model, batch_size=256, learning_rate=0.03, seed=seed
        )
        right = generator.random(images) < 0.4
        row = Row(
            task=card.task,
            task_version=card.version,
            dataset=card.dataset,
            fingerprints={name: f"{name}{card.dataset}".ljust(64, "0") for name in ("train", "val", "test")},
            edition="1",
            features=features,
            checkpoint=f"run-{checkpoint}",
            checkpoint_hash=f"{checkpoint:064x}",
            model="LooC++ (color, rotation)",
            backbone="resnet50",
            image_size=224,
            pretrained_on="imagenet100",
            pretraining_fingerprint="0" * 64,
            epochs=100 + model,
            recipe=recipe,
            seed=seed,
            metrics={name: wilson_share(right) for name in ("top1", "top5", "mean_per_class")},
            items={"top1": Items.of(right)},
            chosen={"lambda": 1e-4},
            curve=[{"lambda": 10.0**power, "val_top1": 0.4} for power in range(-6, 0)],
            certificate=1e-8,
            seconds={"features": 60.0, "evaluator": 10.0},
            versions=versions,
            hardware=hardware,
            created=now,
        )
        path = store.row_path(
            results, "many", row.checkpoint, row.checkpoint_hash, row.task, row.task_version, features, seed
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        fields = checksums.add_checksum(row.model_dump(mode="json"))
        path.write_text(json.dumps(fields, indent=1))  # not flushed to disk one by one


def median_time(command: list[str], repeats: int = REPEATS) -> float:
    """Median wall time of a command in new processes, in seconds, after one run to warm up."""
    taken = []
    for _ in range(repeats + 1):
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken[1:])


if __name__ == "__main__":
    main()
