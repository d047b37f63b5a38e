"""Peak memory of a streamed linear probe at two sizes: it must not grow with the number of images.

A process for each size writes features to a temporary file a block at a time, reads them back memory-mapped as the
cache does, and fits and applies a probe. Given are the peak of all its memory, pages of the mapped file included, which
the system takes back when it needs them, and the peak of what it allocated itself.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch

from loocbench import provenance
from loocbench.evaluators import probing
from loocbench.solvers.blocks import Blocks

DIM, CLASSES, LAMBDAS, TOLERANCE = 512, 50, (1e-2,), 1e-6
_BLOCK = 8192


def write(path: Path, count: int, seed: int) -> torch.Tensor:
    """Features of noisy classes; returns the labels."""
    labels = torch.arange(count) % CLASSES
    generator = torch.Generator().manual_seed(seed)
    centers = torch.randn(CLASSES, DIM, generator=torch.Generator().manual_seed(0))
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(count, DIM))
    for begin in range(0, count, _BLOCK):
        own = labels[begin : begin + _BLOCK]
        out[begin : begin + len(own)] = 0.2 * centers[own] + torch.randn(len(own), DIM, generator=generator)
    out.flush()
    return labels


def probe(count: int, folder: Path, answers: multiprocessing.Queue[tuple[float, float, float]]) -> None:
    """Peak of all memory and of the process's own, in MB, and seconds."""
    sizes = {"train": count, "val": count // 5, "test": count // 5}
    writer = multiprocessing.get_context("spawn").Pool(1)
    labels = {
        split: writer.apply(write, (folder / f"{split}.npy", size, number))
        for number, (split, size) in enumerate(sizes.items())
    }
    writer.terminate()
    parts = {
        split: Blocks.from_arrays([np.load(folder / f"{split}.npy", mmap_mode="r")], torch.device("cpu"))
        for split in sizes
    }
    own, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            status = Path("/proc/self/status").read_text()
            own[0] = max(own[0], next(int(line.split()[1]) for line in status.splitlines() if "RssAnon" in line) / 1024)

    reporter = threading.Thread(target=watch)
    reporter.start()
    begin = time.perf_counter()
    train, val = (probing.Labelled(parts[split], labels[split]) for split in ("train", "val"))
    classifier = probing.train_probe(train, val, LAMBDAS, TOLERANCE, room=0)
    for _, block in parts["test"]:
        classifier.scores(block)
    seconds = time.perf_counter() - begin
    done.set()
    reporter.join()
    answers.put((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, own[0], seconds))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, nargs="+", default=[100_000, 400_000])
    options = parser.parse_args()
    print(f"{DIM} dimensions, {CLASSES} classes; {provenance.hardware('cpu')}, torch {torch.__version__}")
    context = multiprocessing.get_context("spawn")
    for count in options.images:
        with tempfile.TemporaryDirectory() as folder:
            answers = context.Queue()
            process = context.Process(target=probe, args=(count, Path(folder), answers))
            process.start()
            everything, own, seconds = answers.get()
            process.join()
        file = count * DIM * 4 / 1e6
        print(f"{count:,} images ({file:.0f} MB): peak {everything:.0f} MB, own {own:.0f} MB, {seconds:.0f} s")


if __name__ == "__main__":
    main()
