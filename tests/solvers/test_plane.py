"""Features in two dimensions."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from loocbench.errors import UserError
from loocbench.solvers import plane


@pytest.fixture
def clusters():
    """Three far groups of 20 directions in 8 dimensions, of any length, and their numbers."""
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(3), 20)
    directions = np.eye(8)[groups] + 0.05 * generator.normal(size=(60, 8))
    return (directions * generator.uniform(1, 9, size=(60, 1))).astype(np.float32), groups


def require_near_in_the_plane(positions, groups):
    assert positions.shape == (len(groups), 2)
    assert positions.dtype == np.float32
    centres = np.stack([positions[groups == group].mean(axis=0) for group in range(3)])
    distances = np.linalg.norm(positions[:, None] - centres, axis=2)
    assert (distances.argmin(axis=1) == groups).all()


@pytest.mark.parametrize("method", ["pca", "tsne"])
def test_near_features_are_near_in_the_plane_and_a_seed_repeats_it(clusters, method):
    features, groups = clusters
    positions = plane.project(features, method, seed=1)
    require_near_in_the_plane(positions, groups)
    assert np.array_equal(positions, plane.project(features, method, seed=1))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("umap") is None, reason="umap-learn is not installed")
def test_umap_does_so_too(clusters, tmp_path):
    """Of few points in a process that compiles nothing, which takes far longer than they do."""
    features, groups = (part[::3] for part in clusters)
    np.save(tmp_path / "features.npy", features)
    code = (
        "import numpy; from loocbench.solvers import plane\n"
        "features = numpy.load('features.npy')\n"
        "for number in range(2): numpy.save(f'{number}.npy', plane.project(features, 'umap', seed=1))"
    )
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, check=True)
    first, second = (np.load(tmp_path / f"{number}.npy") for number in range(2))
    require_near_in_the_plane(first, groups)
    assert np.array_equal(first, second)


def test_pca_is_that_of_the_normalised_features_and_trust_is_scikit_learns(clusters):
    features, _ = clusters
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    positions = plane.project(features, "pca", seed=0)
    witness = PCA(2, svd_solver="full").fit_transform(unit)
    assert np.abs(positions) == pytest.approx(np.abs(witness), abs=1e-5)
    expected = trustworthiness(unit, positions, n_neighbors=10)
    assert plane.trustworthiness(features, positions) == pytest.approx(expected)


@pytest.mark.parametrize("method", ["pca", "tsne"])
@pytest.mark.parametrize("features", [np.ones((9, 4)), np.arange(9.0)[:, None], np.zeros((9, 3)), np.eye(6)])
def test_constant_and_narrow_features_have_places_too(method, features):
    assert np.isfinite(plane.project(features.astype(np.float32), method, seed=0)).all()


def test_wide_features_are_reduced_before_t_sne():
    features = np.random.default_rng(0).normal(size=(80, 200)).astype(np.float32)
    assert plane.project(features, "tsne", seed=0).shape == (80, 2)


def test_what_cannot_be_is_refused(monkeypatch):
    few = np.ones((4, 3), dtype=np.float32)
    with pytest.raises(UserError, match="of 4 images shows nothing; take 5 or more"):
        plane.project(few, "pca", seed=0)
    with pytest.raises(UserError, match="Did you mean 'tsne'"):
        plane.project(few, "tnse", seed=0)
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(UserError, match=r"pip install 'loocbench\[umap\]'"):
        plane.project(np.ones((9, 3), dtype=np.float32), "umap", seed=0)
