"""A cheap look at a network in training: k-nearest-neighbour accuracy on held-out images.

The weighted vote of Wu et al. 2018 (instance discrimination): neighbours by cosine similarity, each with the weight
exp(similarity / 0.07).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from loocbench.data.prepared import PreparedImages
from loocbench.models.network import Network
from loocbench.solvers.vote import weighted_votes
from loocbench.types import Preprocessing, Split

NEIGHBOURS = 20
MOST_IMAGES = 5_000  # of each side: it is a look, not a result
_BATCH = 256


@dataclass(frozen=True)
class Side:
    """Evenly spaced images of a split, at most ``MOST_IMAGES``: their rows, and their labels int64 on the device."""

    images: PreparedImages
    rows: npt.NDArray[np.int64]
    labels: Tensor

    @classmethod
    def of(cls, images: PreparedImages, split: Split, device: torch.device) -> Side:
        """The images of ``split`` with its first label."""
        count = len(images)
        rows = np.unique(np.linspace(0, count - 1, min(count, MOST_IMAGES)).round().astype(np.int64))
        return cls(images, rows, torch.from_numpy(next(iter(split.labels.values()))[rows]).to(device))


@dataclass(frozen=True)
class Monitor:
    """Judges a network by its neighbours: ``asked`` among ``known``."""

    known: Side
    asked: Side
    size: Preprocessing

    def accuracy(self, network: Network) -> float:
        """Share of the asked images whose neighbours' vote is right. The network's state is left as it is."""
        was_training = network.training
        network.eval()
        known, asked = (features(network, side, self.size) for side in (self.known, self.asked))
        network.train(was_training)
        return accuracy(known, self.known.labels, asked, self.asked.labels)


@torch.no_grad()
def features(network: Network, side: Side, size: Preprocessing) -> Tensor:
    """Pooled features of every last stage side by side, L2-normalised, float32 [N, D]."""
    device = side.labels.device
    mean = torch.tensor(size.mean, device=device)[:, None, None]
    std = torch.tensor(size.std, device=device)[:, None, None]
    parts = []
    for begin in range(0, len(side.rows), _BATCH):
        crops = side.images.center_crops(side.rows[begin : begin + _BATCH], size.image_size).to(device)
        pooled = network.features(crops.float().div_(255).sub_(mean).div_(std))
        parts.append(torch.cat(list(pooled.values()), dim=1).float())
    return F.normalize(torch.cat(parts), dim=1)


def accuracy(known: Tensor, known_labels: Tensor, asked: Tensor, asked_labels: Tensor) -> float:
    """Share of ``asked`` [M, D] whose weighted vote among ``known`` [N, D] (both L2-normalised) is their label."""
    (votes,) = weighted_votes(known, known_labels, asked, [NEIGHBOURS])
    return float((votes.argmax(dim=1) == asked_labels).float().mean())
