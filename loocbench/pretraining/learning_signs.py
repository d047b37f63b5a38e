"""Signs of learning, measured on a few images after each epoch: whether an embedding space tells images apart, how far
it moves with each augmentation, and the effective rank of the features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from loocbench.solvers.effective_rank import measure_rankme


@dataclass(frozen=True)
class Signs:
    """Signs of learning after an epoch.

    variation: for each space and augmentation, by how much the cosine of a query and a key is lower where they differ
    in that augmentation than where they share it; 0: the space ignores it. similarity: mean cosine of different images
    in each space; 1: it has collapsed. effective_rank: RankMe of the pooled features.
    """

    variation: dict[str, dict[str, float]]
    similarity: dict[str, float]
    effective_rank: float

    def to_entry(self) -> dict[str, Any]:
        """The fields of a run's log."""
        return asdict(self)


def compute_signs(
    spaces: Sequence[str], augmentations: Sequence[str], embeddings: Tensor, changed: Tensor, features: Tensor
) -> Signs:
    """The signs of S embedding spaces, and of features [M, F].

    embeddings: [2 + A, S, N, D], L2-normalised, of the views of ``one_shared_sources`` for A augmentations: q, k_0, and
    for each augmentation k_0 with q's draw of it. changed: whether that differs from k_0 in a pixel, bool [A, N].
    """
    moved = [
        measure_variation(embeddings[0], embeddings[1], sharing, rows).tolist()
        for sharing, rows in zip(embeddings[2:], changed, strict=True)
    ]
    similarities = mean_similarity(embeddings[0]).tolist()
    return Signs(
        {
            space: {name: values[row] for name, values in zip(augmentations, moved, strict=True)}
            for row, space in enumerate(spaces)
        },
        dict(zip(spaces, similarities, strict=True)),
        measure_rankme(features),
    )


def measure_variation(queries: Tensor, keys: Tensor, sharing: Tensor, changed: Tensor) -> Tensor:
    """Mean of cos(q, key that shares a draw with q) - cos(q, key that does not), over the images ``changed`` [N].

    queries, keys, sharing: L2-normalised, [S, N, D]. Returns [S]; 0 where no image is changed. Images whose q and key
    happen to have the same draw (two equal quarter turns) say nothing and are left out.
    """
    gain = (queries.double() * (sharing.double() - keys.double())).sum(dim=2)
    return gain[:, changed].sum(dim=1) / max(1, int(changed.sum()))


def mean_similarity(embeddings: Tensor) -> Tensor:
    """Mean cosine of all pairs of different images: L2-normalised [S, N, D] -> [S]."""
    count = embeddings.shape[1]
    all_pairs = embeddings.double().sum(dim=1).square().sum(dim=1)  # N of them are of an image with itself
    return (all_pairs - count) / (count * (count - 1))
