"""The weighted vote against a naive loop over the formula."""

import math

import torch
from torch.nn import functional as F

from loocbench.solvers import vote


def test_votes_are_the_formulas(monkeypatch):
    monkeypatch.setattr(vote, "_BLOCK_VALUES", 100)  # several blocks
    generator = torch.Generator().manual_seed(0)
    known, asked = torch.randn(40, 6, generator=generator), torch.randn(9, 6, generator=generator)
    labels = torch.arange(40) % 3
    grid = (1, 7, 100)
    votes = vote.weighted_votes(known, labels, asked, grid)
    for position, k in enumerate(grid):
        for row in range(9):
            cosines = [float(F.cosine_similarity(asked[row], one, dim=0)) for one in known]
            nearest = sorted(range(40), key=lambda i: -cosines[i])[:k]
            expected = [0.0, 0.0, 0.0]
            for i in nearest:
                expected[int(labels[i])] += math.exp(cosines[i] / vote.TEMPERATURE)
            got = votes[position, row]
            torch.testing.assert_close(got / got.sum(), torch.tensor(expected) / sum(expected), rtol=1e-4, atol=1e-6)


def test_low_temperatures_do_not_overflow():
    votes = vote.weighted_votes(torch.eye(4), torch.arange(4), torch.eye(4), [4], temperature=1e-4)
    assert votes.isfinite().all()
    assert votes[0].argmax(dim=1).tolist() == [0, 1, 2, 3]
