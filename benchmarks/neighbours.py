"""Exact neighbours against faiss-cpu's flat index, and episodes solved together against scikit-learn one by one.

neighbours    the 100 nearest of each of 50,000 x 2,048 features, timed on a part of the queries that both answer
episodes      2,000 five-way five-shot episodes of 512-d features, against a LogisticRegression each (on a part)
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable

import faiss
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from loocbench import provenance
from loocbench.evaluators import neighbours
from loocbench.solvers.batched import fit_logistic_batch

NEAREST, QUERIES, PART = 100, 4_000, 200


def alternate(repeats: int, *works: Callable[[], object]) -> list[list[float]]:
    """Seconds of each, warmed up and measured in turn, so that a busy machine is busy for all."""
    taken: list[list[float]] = [[] for _ in works]
    for turn in range(repeats + 1):
        for work, seconds in zip(works, taken, strict=True):
            begin = time.perf_counter()
            work()
            if turn:
                seconds.append(time.perf_counter() - begin)
    return taken


def describe_ratio(ours: list[float], theirs: list[float]) -> str:
    """How many times as fast, turn by turn: the median, the least and the most."""
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    return f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} turns)"


def compare_neighbours(count: int, dim: int, repeats: int) -> None:
    """Ours leaves the query out; faiss is asked for one more."""
    features = F.normalize(torch.randn(count, dim, generator=torch.Generator().manual_seed(0)), dim=1)
    queries = list(range(min(QUERIES, count)))
    index = faiss.IndexFlatIP(dim)
    index.add(features.numpy())
    asked = features[: len(queries)].numpy()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    neighbours.find_nearest(features, NEAREST, queries)
    extra = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    ours, theirs = alternate(
        repeats,
        lambda: neighbours.find_nearest(features, NEAREST, queries),
        lambda: index.search(asked, NEAREST + 1),
    )
    speeds = [len(queries) / statistics.median(seconds) for seconds in (ours, theirs)]
    print(
        f"{len(queries)} queries among {count} x {dim}: loocbench {speeds[0]:.0f}/s, faiss {speeds[1]:.0f}/s, "
        f"{describe_ratio(ours, theirs)}; {extra:.0f} MB more at the peak"
    )


def compare_episodes(count: int, ways: int, shots: int, dim: int, repeats: int) -> None:
    """At the same certificate."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(ways).repeat_interleave(shots)
    centers = torch.randn(count, ways, dim, generator=generator)
    noise = torch.randn(count, ways * shots, dim, generator=generator)
    features = F.normalize(0.3 * centers[:, labels] + noise, dim=2)
    strength = 1 / (ways * shots)

    def together() -> None:
        for part in features.split(250):
            fit_logistic_batch(part, labels.expand(len(part), -1), strength, tolerance=1e-7)

    def one_by_one() -> None:
        for one in features[:PART].double().numpy():
            LogisticRegression(C=1.0, tol=1e-7, max_iter=10_000).fit(one, labels.numpy())

    ours, theirs = alternate(repeats, together, one_by_one)
    theirs = [seconds * count / PART for seconds in theirs]
    what = f"{count} episodes, {ways} ways, {shots} shots, {dim}-d"
    medians = statistics.median(ours), statistics.median(theirs)
    print(f"{what}: {medians[0]:.2f} s, scikit-learn {medians[1]:.1f} s, {describe_ratio(ours, theirs)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    faiss.omp_set_num_threads(torch.get_num_threads())
    print(f"{provenance.hardware('cpu')}, torch {torch.__version__}, faiss {faiss.__version__}, numpy {np.__version__}")
    compare_episodes(2_000, 5, 5, 512, options.repeats)
    compare_neighbours(50_000, 2_048, options.repeats)


if __name__ == "__main__":
    main()
