"""Features in two dimensions: PCA and t-SNE of scikit-learn, or UMAP; and how far to trust the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from loocbench import extras
from loocbench.errors import UserError, unknown

Matrix = npt.NDArray[np.float32]
FEWEST = 5  # images: with fewer, neighbours of neighbours are all the others
NEIGHBOURS = 10  # of trustworthiness
_REDUCED = 50  # dimensions that t-SNE is given, as its authors advise
_PERPLEXITY, _UMAP_NEIGHBOURS = 30.0, 15  # the libraries' defaults


def project(features: Matrix, method: str, *, seed: int) -> Matrix:
    """Return positions float32 [N, 2] of features [N, D], which are L2-normalised first, as for nearest neighbours.

    method: "pca", "tsne" or "umap" (extra ``umap``). A pure function of the arguments on one machine. Raises UserError
    for an unknown method and for fewer than ``FEWEST`` images.
    """
    if method not in METHODS:
        raise unknown("method of a map", method, METHODS)
    if len(features) < FEWEST:
        raise UserError(f"a map of {len(features)} images shows nothing; take {FEWEST} or more.")
    return METHODS[method](normalise(features), seed).astype(np.float32)


def normalise(features: Matrix) -> Matrix:
    """Return rows of unit length; a row of zeros stays."""
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return (features / np.where(norms > 0, norms, 1)).astype(np.float32)


def trustworthiness(features: Matrix, positions: Matrix) -> float:
    """Return how far neighbours in the plane are neighbours among the features, in [0, 1] (Venna and Kaski 2001)."""
    from sklearn import manifold

    neighbours = min(NEIGHBOURS, (len(features) - 1) // 2)
    return float(manifold.trustworthiness(normalise(features), positions, n_neighbors=neighbours))


def _pca(features: Matrix, seed: int, dimensions: int = 2) -> Matrix:
    from sklearn.decomposition import PCA

    # Of a space of one dimension, or of constant features, the second coordinate is 0.
    kept = min(dimensions, *features.shape)
    found = PCA(kept, random_state=seed, svd_solver="full").fit_transform(features)
    return np.pad(found, ((0, 0), (0, max(0, 2 - kept))))


def _tsne(features: Matrix, seed: int) -> Matrix:
    from sklearn.manifold import TSNE

    if np.ptp(features, axis=0).max() == 0:
        return np.zeros((len(features), 2), dtype=np.float32)
    reduced = _pca(features, seed, _REDUCED) if features.shape[1] > _REDUCED else features
    perplexity = min(_PERPLEXITY, (len(features) - 1) / 3)
    init = "pca" if reduced.shape[1] > 1 else "random"
    return TSNE(2, perplexity=perplexity, init=init, random_state=seed).fit_transform(reduced)


def _umap(features: Matrix, seed: int) -> Matrix:
    umap = extras.require("umap", "umap")
    neighbours = min(_UMAP_NEIGHBOURS, len(features) - 1)
    return umap.UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1).fit_transform(features)


METHODS: Mapping[str, Callable[[Matrix, int], Matrix]] = {"umap": _umap, "tsne": _tsne, "pca": _pca}
TITLES: Mapping[str, str] = {"umap": "UMAP", "tsne": "t-SNE", "pca": "PCA"}


def default_method() -> str:
    """Return "umap" where it is installed, else "tsne"."""
    from importlib.util import find_spec

    return "umap" if find_spec("umap") else "tsne"
