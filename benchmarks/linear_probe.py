"""A certified path of 45 strengths against scikit-learn, one fit each, at the tolerance that reaches the same bound.

Both minimise mean cross-entropy + lambda / 2 ||W||^2; scikit-learn's tolerance is lowered tenfold until the norm of the
gradient at its solution is below the bound that ours has to meet, and only that last fit is timed. Features are random
with a decaying spectrum and class means, as embeddings have. scikit-learn's time is measured at every ``--every``-th
strength, the strongest and the weakest among them, and scaled up to all: the whole takes hours.

Beside it, where the time goes: the share of matrix products, and their speed beside that of large products alone; and
the path that reads features in blocks.
Also: three heads side by side (6,144-d) beside one of them, where there are fewer images than features.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections import Counter

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the command line sets them, before torch is imported
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from loocbench import provenance
from loocbench.solvers import products, reduction, softmax
from loocbench.solvers.blocks import Blocks
from loocbench.solvers.logistic import fit_logistic_path
from loocbench.solvers.streamed import fit_streamed_path

GRID = [float(value) for value in np.logspace(-6, 0, 45)]
SIZES = {"blooms": (4_000, 64, 10), "Flowers-102, train": (1_020, 2_048, 102), "CUB-200, train": (5_994, 2_048, 200)}
HEADS = 3


def features(count: int, dim: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Centred features of unit mean norm, and their labels."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % classes
    centers = torch.randn(classes, dim, generator=generator)
    x = (0.5 * centers[labels] + torch.randn(count, dim, generator=generator)) * torch.logspace(0, -1.5, dim)
    x = (x - x.mean(dim=0)).double()
    return x / x.norm(dim=1).mean(), labels


def gradient_norm(x: np.ndarray, y: np.ndarray, model: LogisticRegression, strength: float) -> float:
    """Norm of the objective's gradient at scikit-learn's solution."""
    scores = x @ model.coef_.T + model.intercept_
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    p /= len(y)
    return float(np.sqrt(((p.T @ x + strength * model.coef_) ** 2).sum() + (p.sum(axis=0) ** 2).sum()))


def sklearn_seconds(x: np.ndarray, y: np.ndarray, strength: float, tolerance: float) -> float:
    """Seconds of the fit at the loosest tolerance of 10^-k that reaches the bound."""
    for digits in range(3, 13):
        model = LogisticRegression(C=1 / (strength * len(y)), tol=10.0**-digits, max_iter=100_000)
        begin = time.perf_counter()
        model.fit(x, y)
        taken = time.perf_counter() - begin
        if gradient_norm(x, y, model, strength) <= tolerance:
            return taken
    raise RuntimeError(f"scikit-learn does not reach {tolerance} at lambda {strength}")


def path_seconds(
    x: torch.Tensor, y: torch.Tensor, repeats: int, tolerance: float, *, streamed: bool = False
) -> list[float]:
    """Seconds of the whole path."""
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        if streamed:
            fit_streamed_path(Blocks.from_tensor(x.float()), y, GRID, tolerance=tolerance)
        else:
            fit_logistic_path(x, y, GRID, tolerance=tolerance)
        taken.append(time.perf_counter() - begin)
    return taken


def speed_of_products(dtype: torch.dtype) -> float:
    """1e9 operations per second of products of 2,048 x 2,048 matrices alone."""
    a = torch.randn(2_048, 2_048, dtype=dtype)
    taken = []
    for _ in range(4):
        begin = time.perf_counter()
        products.multiply(a, a)
        taken.append(time.perf_counter() - begin)
    return 2 * 2_048**3 / statistics.median(taken[1:]) / 1e9


class Watch:
    """Counts the products of the solver: operations and seconds by precision."""

    def __init__(self) -> None:
        self.multiply = products.multiply
        self.operations, self.seconds = Counter[torch.dtype](), Counter[torch.dtype]()

    def __call__(self, a: torch.Tensor, b: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        begin = time.perf_counter()
        result = self.multiply(a, b, out)
        self.seconds[a.dtype] += time.perf_counter() - begin
        self.operations[a.dtype] += 2 * a.numel() * b.shape[1]
        return result


def describe_products(x: torch.Tensor, y: torch.Tensor, tolerance: float) -> str:
    """The share of the path's time that matrix products take, and their speed."""
    watch = Watch()
    softmax.multiply = reduction.multiply = watch  # type: ignore[assignment]
    begin = time.perf_counter()
    fit_logistic_path(x, y, GRID, tolerance=tolerance)
    whole = time.perf_counter() - begin
    softmax.multiply = reduction.multiply = watch.multiply
    spent = [
        f"{str(dtype).removeprefix('torch.')} {100 * watch.seconds[dtype] / whole:.0f} % of the time at "
        f"{watch.operations[dtype] / watch.seconds[dtype] / 1e9:.0f} GFLOP/s"
        for dtype in (torch.float32, torch.float64)
    ]
    alone = [speed_of_products(dtype) for dtype in (torch.float32, torch.float64)]
    return f"products: {', '.join(spent)}; large ones alone {alone[0]:.0f} and {alone[1]:.0f} GFLOP/s"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=11, help="scikit-learn fits every so many strengths")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--size", choices=SIZES, action="append")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="bound on gradient norms; protocols ask for 1e-7")
    options = parser.parse_args()
    tolerance = options.tolerance
    print(
        f"{len(GRID)} strengths, gradient norm <= {tolerance}; {provenance.hardware('cpu')}, torch {torch.__version__}"
    )
    for name in options.size or SIZES:
        x, y = features(*SIZES[name])
        fit_logistic_path(x, y, GRID[-1:], tolerance=tolerance)  # warm up
        times = path_seconds(x, y, options.repeats, tolerance)
        ours = statistics.median(times)
        sampled = GRID[:: options.every]
        theirs = (
            len(GRID) / len(sampled) * sum(sklearn_seconds(x.numpy(), y.numpy(), value, tolerance) for value in sampled)
        )
        print(
            f"{name}, {x.shape[0]} x {x.shape[1]}, {int(y.max()) + 1} classes: ours {ours:.1f} s ({min(times):.1f} to "
            f"{max(times):.1f}), scikit-learn "
            f"{theirs:.0f} s (from {len(sampled)} of {len(GRID)}), ratio {theirs / ours:.0f}",
            flush=True,
        )
        print(f"    {describe_products(x, y, tolerance)}", flush=True)
        if len(x) > x.shape[1]:
            blocks = statistics.median(path_seconds(x, y, options.repeats, tolerance, streamed=True))
            print(f"    streamed in blocks: {blocks:.1f} s, {blocks / ours:.2f} times as long as in memory", flush=True)
    count, dim, classes = SIZES["Flowers-102, train"]
    one, labels = features(count, dim, classes)
    three, _ = features(count, HEADS * dim, classes)
    a, b = (statistics.median(path_seconds(x, labels, options.repeats, tolerance)) for x in (one, three))
    print(f"{HEADS} heads, {count} x {HEADS * dim}: {b:.1f} s, one {a:.1f} s, ratio {b / a:.2f}")


if __name__ == "__main__":
    main()
