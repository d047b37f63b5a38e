"""k-nearest-neighbour accuracy on held-out images, measured while a network trains.

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
from loocbench.exact_float32 import exact_float32
from loocbench.models.network import Network
from loocbench.solvers.vote import weighted_votes
from loocbench.types import Preprocessing, Split

NEIGHBOURS = 20
MOST_IMAGES = 5_000  # of each split: it is a sign of learning, not a result
_BATCH = 256


@dataclass(frozen=True)
class LabelledImages:
    """Some images of a split. rows: which; labels: theirs, int64 [N] on the device."""

    images: PreparedImages
    rows: npt.NDArray[np.int64]
    labels: Tensor


def select_images(images: PreparedImages, split: Split, device: torch.device) -> LabelledImages:
    """Evenly spaced images of ``split``, at most ``MOST_IMAGES``, with its first label."""
    count = len(images)
    rows = np.unique(np.linspace(0, count - 1, min(count, MOST_IMAGES)).round().astype(np.int64))
    return LabelledImages(images, rows, torch.from_numpy(next(iter(split.labels.values()))[rows]).to(device))


@dataclass(frozen=True)
class Monitor:
    """Measures a network's kNN accuracy. known: the neighbours' images. queries: those that are classified."""

    known: LabelledImages
    queries: LabelledImages
    preprocessing: Preprocessing

    @exact_float32()
    def accuracy(self, network: Network) -> float:
        """Share of the queries whose neighbours' vote is right, in [0, 1]. The network's state is not changed."""
        was_training = network.training
        network.eval()
        known, queries = (extract_features(network, side, self.preprocessing) for side in (self.known, self.queries))
        network.train(was_training)
        return knn_accuracy(known, self.known.labels, queries, self.queries.labels)


@torch.no_grad()
def extract_features(network: Network, images: LabelledImages, preprocessing: Preprocessing) -> Tensor:
    """Pooled features of every last stage side by side, L2-normalised, float32 [N, D]."""
    device = images.labels.device
    mean = torch.tensor(preprocessing.mean, device=device)[:, None, None]
    std = torch.tensor(preprocessing.std, device=device)[:, None, None]
    parts = []
    for begin in range(0, len(images.rows), _BATCH):
        crops = images.images.center_crops(images.rows[begin : begin + _BATCH], preprocessing.image_size).to(device)
        pooled = network.features(crops.float().div_(255).sub_(mean).div_(std))
        parts.append(torch.cat(list(pooled.values()), dim=1).float())
    return F.normalize(torch.cat(parts), dim=1)


def knn_accuracy(known: Tensor, known_labels: Tensor, queries: Tensor, query_labels: Tensor) -> float:
    """Share of ``queries`` [M, D] whose weighted vote among ``known`` [N, D] (both L2-normalised) is their label."""
    (votes,) = weighted_votes(known, known_labels, queries, [NEIGHBOURS])
    return float((votes.argmax(dim=1) == query_labels).float().mean())
