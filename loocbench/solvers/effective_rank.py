"""Effective ranks of features, which need no labels: RankMe and LiDAR."""

from __future__ import annotations

import torch
from torch import Tensor

_EPSILON = 1e-7  # added to the shares of singular values and of eigenvalues (Garrido et al. 2023)


def rank_spectrum(values: Tensor) -> float:
    """Return exp of the entropy of a spectrum: how many of K values matter, from 1 (one of them) to K (all alike).

    values: [K], none negative; their shares of the sum, plus 1e-7 each, have the entropy. Of zeros alone it is 1.
    """
    total = values.sum()
    if not total > 0:
        return 1.0
    shares = values / total + _EPSILON
    return max(1.0, float((-shares * shares.log()).sum().exp()))  # the added 1e-7 would make 0.9999999 of one value


def measure_rankme(features: Tensor) -> float:
    """Return RankMe of features [N, D], in 1 .. min(N, D): the effective rank by their singular values.

    Garrido et al. 2023, "RankMe: Assessing the Downstream Performance of Pretrained Self-Supervised Representations by
    Their Rank", equation 1. They take 25,600 images; of few it is lower: compare it where as many were taken.
    """
    return rank_spectrum(torch.linalg.svdvals(features.double()))


class ViewScatter:
    """Scatter matrices of N images' views: within images, and between the images' means.

    Views are added one at a time, so that those added before need not be kept. means: float64 [N, D], of each image's
    views.
    """

    def __init__(self) -> None:
        self.means = torch.empty(0, 0)
        self._within = torch.empty(0, 0)
        self._views = 0

    def add(self, features: Tensor) -> None:
        """Add one view of every image: [N, D], the images in the same order each time."""
        values = features.double()
        if not self._views:
            self.means = torch.zeros_like(values)
            self._within = values.new_zeros(values.shape[1], values.shape[1])
        difference = values - self.means  # Welford's update, which loses no digits where views are nearly alike
        self._within += difference.T @ difference * (self._views / (self._views + 1))
        self._views += 1
        self.means += difference / self._views

    def measure_lidar(self, delta: float) -> float:
        """Return LiDAR, in 1 .. min(N - 1, D): the effective rank of linear discriminant analysis, images as classes.

        Thilak et al. 2023, "LiDAR: Sensing Linear Probing Performance in Joint Embedding SSL Architectures", equations
        1 to 4: the spectrum is the eigenvalues of W^(-1/2) B W^(-1/2), where B is the scatter of the means about their
        mean, and W that of the views about their images' means plus ``delta`` times the identity.
        """
        images, dim = self.means.shape
        within = self._within / (images * self._views)
        within.diagonal().add_(delta)
        centered = self.means - self.means.mean(dim=0)
        # With W = L L^T the eigenvalues are the squared singular values of L^-1 centered^T, and zeros up to D.
        whitened = torch.linalg.solve_triangular(torch.linalg.cholesky(within), centered.T, upper=False)
        eigenvalues = torch.linalg.svdvals(whitened).square()
        return rank_spectrum(torch.cat([eigenvalues, eigenvalues.new_zeros(max(0, dim - images))]))
