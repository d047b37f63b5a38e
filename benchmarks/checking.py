"""What checking costs, as a share of extracting features: ResNet-18, 224 px, JPEG files of a photograph's size.

    cold          loocbench.features.extraction from an empty cache: decode, compute, write, with all checks in it
    images        SHA-256 of every image file, by which a data set is known; the files are read here once more
    states        size, times and inode of every file, asked before and after a measurement
    decoded       checksum of the store of decoded images: by groups while it is written, and of the whole file
    features      checksum of the file of features when it is written
    opening       checksums of both files when a later process opens them

In every turn the network extracts once and each check is done once more by itself, so that a busy moment hits all of
them. A share is a check's time divided by cold's of the same turn; what is printed are medians over the turns, by the
wall clock and by processor time. In cold the checks run beside the network, or not at all (opening), so that the sum
of all is more than they cost there. Pictures: smooth noise, JPEG quality 92.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as loocbench's command line has them
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import torch
from extraction import Cost, fuse, measure_cost
from images import make_folder
from networks import SIZE, build_networks

from loocbench import checksums, provenance
from loocbench.cache import layout, tensor_files
from loocbench.data import digests, folders, preparing
from loocbench.features import cache_keys, extraction
from loocbench.progress import Silent
from loocbench.types import UNCHANGED, Dataset, Split

COLD, ALL = "cold", "all checks"
STATES_ASKED = 2  # before and after a measurement


def list_checks(dataset: Dataset, split: Split, store: Path, features: Path) -> dict[str, Callable[[], Any]]:
    """What is timed besides extraction, on the files that it has written."""
    assert dataset.files is not None
    folder, items = dataset.files.folder, split.items
    pixels = tensor_files.read_header(store)[0]["pixels"]
    assert pixels.nbytes > 0

    def decoded() -> None:
        checksums.hash_bytes_of(store, pixels.offset, pixels.offset + pixels.nbytes)
        checksums.hash_bytes_of(store)

    return {
        "images": lambda: digests.hash_files(folder, items),
        "states": lambda: [digests.hash_states(folder, items) for _ in range(STATES_ASKED)],
        "decoded": decoded,
        "features": lambda: checksums.hash_bytes_of(features),
        "opening": lambda: [checksums.is_sealed(path) for path in (store, features)],
    }


def measure(dataset: Dataset, split: Split, turns: int, cache: Path) -> dict[str, list[Cost]]:
    """Extraction and each check in turn; the first turn warms up and is left out."""
    _, encoder = build_networks("resnet18")
    fuse(encoder)
    store = preparing.prepared_path(dataset, split, SIZE.resize, cache)
    features = layout.entry_path(cache, "features", cache_keys.features_key(encoder, dataset, split, UNCHANGED, None))
    costs: dict[str, list[Cost]] = defaultdict(list)
    for turn in range(turns + 1):
        shutil.rmtree(cache, ignore_errors=True)
        taken = {
            COLD: measure_cost(lambda: extraction.extract(encoder, dataset, split, cache=cache, reporter=Silent()))
        }
        checks = list_checks(dataset, split, store, features)
        taken |= {name: measure_cost(work) for name, work in checks.items()}
        taken[ALL] = Cost(*(sum(taken[name][place] for name in checks) for place in range(2)))
        print(f"turn {turn} of {turns}: {taken[COLD].seconds:.1f} s", file=sys.stderr, flush=True)
        for name, cost in taken.items() if turn else ():
            costs[name].append(cost)
    return costs


def summarise(costs: dict[str, list[Cost]]) -> dict[str, dict[str, float]]:
    """Medians: milliseconds by the clock, and shares of extraction by the clock and by processor time."""
    found = {}
    for name, taken in costs.items():
        pairs = list(zip(taken, costs[COLD], strict=True))
        found[name] = {
            "milliseconds": 1e3 * statistics.median(one.seconds for one in taken),
            "share by the clock": statistics.median(one.seconds / whole.seconds for one, whole in pairs),
            "share by processor time": statistics.median(one.core_seconds / whole.core_seconds for one, whole in pairs),
        }
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images-count", type=int, default=300)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "made"
        folder.mkdir()
        make_folder(folder, options.images_count)
        split = Split("made", "test", tuple(folders.list_images(folder)), {}, {})
        dataset = folders.open_image_files("made", folder, {"test": split})
        head = {
            "hardware": provenance.hardware("cpu"),
            "torch": torch.__version__,
            "threads": options.threads,
            "images": len(split),
            "load before": os.getloadavg()[0],
        }
        found = summarise(measure(dataset, split, options.turns, Path(scratch) / "cache"))
    if options.json:
        print(json.dumps({**head, "checks": found}))
        return
    print(f"{head}; a load above 0 before the run means that others used the machine too")
    for name, values in found.items():
        print(
            f"  {name:11} {values['milliseconds']:9.1f} ms, {values['share by the clock']:7.2%} by the clock, "
            f"{values['share by processor time']:7.2%} by processor time"
        )


if __name__ == "__main__":
    main()
