"""Signs of learning against naive loops; the effective rank of features is tested in tests/solvers/."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from loocbench.pretraining.learning_signs import compute_signs, mean_similarity, measure_variation


def unit(*shape, seed=0):
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def test_variation_is_the_mean_difference_of_cosines_over_the_images_that_the_augmentation_changes():
    queries, keys, sharing = (unit(2, 9, 6, seed=seed) for seed in range(3))
    changed = torch.tensor([1, 1, 0, 1, 0, 0, 1, 1, 1], dtype=torch.bool)
    for space in range(2):
        differences = []
        for image in range(9):
            if changed[image]:
                shared = sum(float(a * b) for a, b in zip(queries[space, image], sharing[space, image], strict=True))
                other = sum(float(a * b) for a, b in zip(queries[space, image], keys[space, image], strict=True))
                differences.append(shared - other)
        found = measure_variation(queries, keys, sharing, changed)[space]
        assert float(found) == pytest.approx(sum(differences) / 6, abs=1e-6)


def test_an_augmentation_that_changes_no_image_moves_nothing():
    queries, keys, sharing = (unit(2, 9, 6, seed=seed) for seed in range(3))
    assert measure_variation(queries, keys, sharing, torch.zeros(9, dtype=torch.bool)).tolist() == [0, 0]


def test_similarity_is_the_mean_cosine_of_different_images():
    embeddings = unit(3, 7, 5)
    for space, found in zip(embeddings.numpy(), mean_similarity(embeddings).tolist(), strict=True):
        cosines = [space[i] @ space[j] for i in range(7) for j in range(7) if i != j]
        assert found == pytest.approx(np.mean(cosines), abs=1e-6)
    assert mean_similarity(unit(1, 1, 5).expand(1, 7, 5)).tolist() == pytest.approx([1])


def test_signs_have_the_names_of_their_spaces_and_augmentations():
    """Of two spaces, the second follows augmentation b alone: its third and fourth views are k_0 and q again."""
    q, key = unit(5, 4, seed=1), unit(5, 4, seed=2)
    embeddings = torch.stack([torch.stack([q, q]), torch.stack([q, key]), torch.stack([q, key]), torch.stack([q, q])])
    changed = torch.ones(2, 5, dtype=torch.bool)
    signs = compute_signs(("one", "two"), ("a", "b"), embeddings, changed, torch.eye(5))
    assert signs.variation["one"] == pytest.approx({"a": 0, "b": 0})
    follows = 1 - float((q * key).sum(dim=1).mean())
    assert signs.variation["two"] == pytest.approx({"a": 0, "b": follows}, abs=1e-6)
    assert signs.similarity.keys() == {"one", "two"}
    assert signs.effective_rank == pytest.approx(5, rel=1e-4)  # of the identity
    assert signs.to_entry().keys() == {"variation", "similarity", "effective_rank"}
