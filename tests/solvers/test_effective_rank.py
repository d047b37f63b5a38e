"""Effective ranks against numpy and scipy by their definitions, and what must not change them."""

import numpy as np
import pytest
import torch
from scipy.linalg import eigh, fractional_matrix_power
from scipy.stats import entropy, ortho_group

from loocbench.solvers.effective_rank import ViewScatter, measure_rankme, rank_spectrum

DELTA = 1e-4


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def rankme(features):
    return measure_rankme(torch.from_numpy(features))


def scatter_of(views):
    """views: [Q, N, D]."""
    scatter = ViewScatter()
    for one in views:
        scatter.add(torch.from_numpy(one))
    return scatter


def lidar(views, delta=DELTA):
    return scatter_of(views).measure_lidar(delta)


def naive_lidar(views, delta=DELTA):
    """Equations 1 to 4 of Thilak et al. 2023, by loops over images and views."""
    count, images, dim = views.shape
    means = [sum(views[view, image] for view in range(count)) / count for image in range(images)]
    mean = sum(means) / images
    between, within = np.zeros((dim, dim)), np.zeros((dim, dim))
    for image in range(images):
        between += np.outer(means[image] - mean, means[image] - mean) / images
        for view in range(count):
            difference = views[view, image] - means[image]
            within += np.outer(difference, difference) / (images * count)
    root = fractional_matrix_power(within + delta * np.eye(dim), -0.5)
    eigenvalues = np.linalg.eigvalsh(root @ between @ root).clip(min=0)
    shares = eigenvalues / np.abs(eigenvalues).sum() + 1e-7
    return np.exp(-sum(share * np.log(share) for share in shares))


@pytest.mark.parametrize("shape", [(40, 12), (12, 40)])
def test_rankme_is_the_entropy_of_the_singular_values(shape):
    features = noise(*shape) ** 3
    values = np.linalg.svd(features, compute_uv=False)
    shares = values / np.abs(values).sum() + 1e-7  # equation 1 of Garrido et al. 2023
    assert rankme(features) == pytest.approx(np.exp(-sum(share * np.log(share) for share in shares)), rel=1e-9)
    assert rankme(features) == pytest.approx(np.exp(entropy(values)), rel=1e-3)  # scipy adds nothing to the shares


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_equally_strong_directions_are_counted(rank):
    assert rankme(np.eye(8)[:, :rank] @ np.eye(rank, 20)) == pytest.approx(rank, rel=1e-4)


@pytest.mark.parametrize("dim", [1, 5, 30])
def test_features_on_one_line_have_rank_one(dim):
    assert rankme(np.outer(noise(50), noise(dim, seed=1))) == pytest.approx(1, abs=1e-3)
    assert rankme(np.ones((50, dim))) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("factor", [1e-6, 0.5, 1e6])
def test_a_rotation_and_a_scale_change_no_rankme(factor):
    features = noise(60, 9) * np.arange(1, 10)
    turned = factor * features @ ortho_group.rvs(9, random_state=3)
    assert rankme(turned) == pytest.approx(rankme(features), rel=1e-9)


def test_nothing_has_rank_one_and_never_less():
    assert rankme(np.zeros((7, 4))) == 1
    assert rank_spectrum(torch.zeros(5)) == 1
    assert rank_spectrum(torch.tensor([3.0])) == 1


@pytest.mark.parametrize(("views", "images", "dim"), [(3, 20, 6), (5, 9, 14), (2, 2, 3)])
def test_lidar_is_its_definition(views, images, dim):
    features = noise(1, images, dim) * np.linspace(0.2, 2, dim) + 0.3 * noise(views, images, dim, seed=1) + 5
    assert lidar(features) == pytest.approx(naive_lidar(features), rel=1e-6)


def test_lidars_eigenvalues_are_scipys_of_the_generalised_problem():
    features = noise(1, 30, 5) + 0.5 * noise(4, 30, 5, seed=1)
    means = features.mean(axis=0)
    within = np.cov((features - means).reshape(-1, 5).T, bias=True) + DELTA * np.eye(5)
    values = eigh(np.cov(means.T, bias=True), within, eigvals_only=True)
    assert lidar(features) == pytest.approx(np.exp(entropy(values)), rel=1e-4)


def test_without_delta_no_linear_map_of_the_features_changes_lidar():
    """Not a rotation or a scale alone: each direction is measured by how far views spread along it."""
    features = noise(1, 40, 6) + 0.4 * noise(5, 40, 6, seed=1)
    mapped = features @ (noise(6, 6, seed=2) + 3 * np.eye(6)) - 7
    assert lidar(mapped, delta=1e-12) == pytest.approx(lidar(features, delta=1e-12), rel=1e-6)


def test_directions_that_views_do_not_keep_count_for_rankme_alone():
    """What LiDAR is for: here three of ten directions tell images apart, the others are new noise in each view."""
    features = np.concatenate([np.broadcast_to(noise(1, 300, 3), (40, 300, 3)), noise(40, 300, 7, seed=1)], axis=2)
    features = features + 0.01 * noise(40, 300, 10, seed=2)
    assert rankme(features[0]) > 9.5
    assert lidar(features) == pytest.approx(3, abs=0.1)


def test_the_order_of_views_and_their_offset_change_nothing():
    features = noise(1, 12, 4) + 0.2 * noise(6, 12, 4, seed=1)
    assert lidar(features[::-1].copy()) == pytest.approx(lidar(features), rel=1e-9)
    assert lidar(features + 1e4) == pytest.approx(lidar(features), rel=1e-4)  # sums of squares would lose all digits
    assert scatter_of(features).means.numpy() == pytest.approx(features.mean(axis=0))


def test_images_whose_means_are_the_same_have_rank_one():
    assert lidar(np.zeros((4, 10, 5))) == 1
