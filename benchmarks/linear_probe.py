"""A certified path of strengths against scikit-learn, one fit a strength, at the tolerance that reaches the same bound.

Both minimise mean cross-entropy + lambda / 2 ||W||^2; scikit-learn's tolerance is lowered tenfold until the norm of the
gradient at its solution is below the bound that ours has to meet, and only that last fit is timed. Features are random
with a decaying spectrum and class means, as embeddings have.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from loocbench import provenance
from loocbench.solvers.logistic import fit_logistic_path

TOLERANCE = 1e-5
GRID = [float(value) for value in np.logspace(-5, 0, 6)]
SIZES = ((2_000, 64, 10), (1_000, 192, 27), (1_000, 512, 100))
REPEATS = 3


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


def sklearn_seconds(x: np.ndarray, y: np.ndarray) -> float:
    """Seconds of one fit a strength, each at the loosest tolerance of 10^-k that reaches the bound."""
    total = 0.0
    for strength in GRID:
        for digits in range(3, 13):
            model = LogisticRegression(C=1 / (strength * len(y)), tol=10.0**-digits, max_iter=100_000)
            begin = time.perf_counter()
            model.fit(x, y)
            taken = time.perf_counter() - begin
            if gradient_norm(x, y, model, strength) <= TOLERANCE:
                total += taken
                break
        else:
            raise RuntimeError(f"scikit-learn does not reach {TOLERANCE} at lambda {strength}")
    return total


def main() -> None:
    """Print a line a size: both medians and the ratio."""
    print(
        f"{len(GRID)} strengths, gradient norm <= {TOLERANCE}; {provenance.hardware('cpu')}, torch {torch.__version__}"
    )
    for count, dim, classes in SIZES:
        x, y = features(count, dim, classes)
        fit_logistic_path(x, y, GRID[-1:], tolerance=TOLERANCE)  # warm up
        ours, theirs = [], []
        for _ in range(REPEATS):
            begin = time.perf_counter()
            fit_logistic_path(x, y, GRID, tolerance=TOLERANCE)
            ours.append(time.perf_counter() - begin)
            theirs.append(sklearn_seconds(x.numpy(), y.numpy()))
        a, b = statistics.median(ours), statistics.median(theirs)
        print(f"{count:6} x {dim:4}, {classes:3} classes: ours {a:6.2f} s, scikit-learn {b:6.2f} s, ratio {b / a:5.1f}")


if __name__ == "__main__":
    main()
