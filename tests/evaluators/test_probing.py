"""The probe: what it may look at, and what must not change its figure."""

import pytest
import torch

from loocbench.errors import UserError
from loocbench.evaluators.probing import Labelled, correct, probe
from loocbench.solvers.blocks import Blocks

GRID = [1e-5, 1e-3, 1e-1, 10.0]


def labelled(count, seed, noise=1.0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centers = torch.randn(3, 8, generator=torch.Generator().manual_seed(99))
    return Labelled(Blocks.of(centers[labels] + noise * torch.randn(count, 8, generator=generator)), labels)


def test_the_strength_is_chosen_on_validation_and_never_on_test():
    train, val = labelled(60, 0), labelled(60, 1)
    shuffled = Labelled(labelled(60, 2).features, torch.randperm(60) % 3)
    first, second = (probe(train, val, test, GRID, 1e-6) for test in (labelled(60, 2), shuffled))
    assert first.strength == second.strength
    best = max(first.curve, key=lambda point: (point["val_top1"], point["lambda"]))
    assert first.strength == best["lambda"]


def test_the_unit_of_the_features_changes_nothing():
    train, val, test = labelled(60, 0), labelled(60, 1), labelled(60, 2)
    scaled = [Labelled(part.features.map(lambda block: block * 1000 + 7), part.labels) for part in (train, val, test)]
    plain, other = probe(train, val, test, GRID, 1e-6), probe(*scaled, GRID, 1e-6)
    assert plain.strength == other.strength
    assert torch.equal(plain.scores.argmax(1), other.scores.argmax(1))


def test_the_final_fit_sees_train_and_validation():
    """With validation holding the only images of class 2, a probe that forgot to refit could never predict it."""
    everything = labelled(90, 0, noise=0.1)
    seen = everything.labels < 2
    train = Labelled(Blocks.of(everything.features.whole()[seen]), everything.labels[seen])
    result = probe(train, everything, everything, [1e-5], 1e-6)
    assert correct(result.scores, everything.labels, 1).mean() > 0.95


def test_features_that_are_not_finite_are_refused():
    train, val = labelled(60, 0), labelled(60, 1)
    broken = train.features.whole()
    broken[3, 2] = torch.nan
    with pytest.raises(UserError, match="NaN or infinity"):
        probe(Labelled(Blocks.of(broken), train.labels), val, val, GRID, 1e-6)


def test_without_room_the_features_are_read_block_by_block_to_the_same_probe():
    train, val, test = labelled(60, 0), labelled(60, 1), labelled(60, 2)
    said = []
    plain = probe(train, val, test, GRID, 1e-8)
    streamed = probe(train, val, test, GRID, 1e-8, said.append, room=0)
    assert "read block by block" in said[0]
    assert streamed.strength == plain.strength
    assert streamed.curve == plain.curve
    torch.testing.assert_close(streamed.scores, plain.scores, rtol=0, atol=1e-4)


def test_top_k():
    scores = torch.tensor([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    labels = torch.tensor([1, 0])
    assert [correct(scores, labels, k).tolist() for k in (1, 2, 3)] == [[False, False], [True, False], [True, True]]
