"""The probe: what it may look at, and what must not change its figure."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score

from loocbench.errors import UserError
from loocbench.evaluators import probing
from loocbench.evaluators.probing import Labelled, Scale, accuracy_metrics, fit_logistic, fit_ridge, top_k_hits
from loocbench.solvers.blocks import Blocks

GRID = [1e-5, 1e-3, 1e-1, 10.0]


def labelled(count, seed, noise=1.0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centers = torch.randn(3, 8, generator=torch.Generator().manual_seed(99))
    return Labelled(Blocks.from_tensor(centers[labels] + noise * torch.randn(count, 8, generator=generator)), labels)


class Probe(NamedTuple):
    """What a trained classifier says of test images, and how it came about."""

    scores: torch.Tensor
    strength: float
    curve: list
    certificate: float


def probe(train, val, test, *arguments, **options):
    found = probing.train_probe(train, val, *arguments, **options)
    return Probe(found.score_blocks(test.features), found.choice.strength, found.choice.curve, found.certificate)


FITS = pytest.mark.parametrize("fit", [fit_logistic, fit_ridge])


@FITS
def test_the_strength_is_chosen_on_validation_and_never_on_test(fit):
    train, val = labelled(60, 0), labelled(60, 1)
    shuffled = Labelled(labelled(60, 2).features, torch.randperm(60) % 3)
    first, second = (probe(train, val, test, GRID, 1e-6, fit=fit) for test in (labelled(60, 2), shuffled))
    assert first.strength == second.strength
    best = max(first.curve, key=lambda point: (point["val_top1"], point["lambda"]))
    assert first.strength == best["lambda"]


@FITS
def test_the_unit_of_the_features_changes_nothing(fit):
    train, val, test = labelled(60, 0), labelled(60, 1), labelled(60, 2)
    scaled = [Labelled(part.features.map(lambda block: block * 1000 + 7), part.labels) for part in (train, val, test)]
    plain, other = (probe(*parts, GRID, 1e-6, fit=fit) for parts in ((train, val, test), scaled))
    assert plain.strength == other.strength
    assert torch.equal(plain.scores.argmax(1), other.scores.argmax(1))


@FITS
def test_the_final_fit_sees_train_and_validation(fit):
    """With validation holding the only images of class 2, a probe that forgot to refit could never predict it."""
    everything = labelled(90, 0, noise=0.1)
    seen = everything.labels < 2
    train = Labelled(Blocks.from_tensor(everything.features.whole()[seen]), everything.labels[seen])
    result = probe(train, everything, everything, [1e-5], 1e-6, fit=fit)
    assert top_k_hits(result.scores, everything.labels, 1).mean() > 0.95


def test_the_ridge_probe_is_a_ridge_regression_of_one_hot_labels():
    train, val, test = labelled(60, 0), labelled(60, 1), labelled(60, 2)
    result = probe(train, val, test, GRID, 1e-6, fit=fit_ridge)
    scale = Scale.fit(train.features)
    both = train + val
    witness = Ridge(alpha=120 * result.strength).fit(
        scale(both.features.whole()).numpy(), np.eye(3)[both.labels.numpy()]
    )
    np.testing.assert_allclose(result.scores.numpy(), witness.predict(scale(test.features.whole()).numpy()), atol=1e-8)
    assert result.certificate < 1e-12


def test_features_that_are_not_finite_are_refused():
    train, val = labelled(60, 0), labelled(60, 1)
    broken = train.features.whole()
    broken[3, 2] = torch.nan
    with pytest.raises(UserError, match="NaN or infinity"):
        probe(Labelled(Blocks.from_tensor(broken), train.labels), val, val, GRID, 1e-6)


def test_without_room_the_features_are_read_block_by_block_to_the_same_probe():
    train, val, test = labelled(60, 0), labelled(60, 1), labelled(60, 2)
    said = []
    plain = probe(train, val, test, GRID, 1e-8)
    streamed = probe(train, val, test, GRID, 1e-8, said.append, room=0)
    assert "read block by block" in said[0]
    assert streamed.strength == plain.strength
    assert streamed.curve == plain.curve
    # All intercepts may move together, which changes no probability, so scores are compared without their mean.
    ours, theirs = (found.scores - found.scores.mean(dim=1, keepdim=True) for found in (streamed, plain))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_top_k():
    scores = torch.tensor([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    labels = torch.tensor([1, 0])
    assert [top_k_hits(scores, labels, k).tolist() for k in (1, 2, 3)] == [[False, False], [True, False], [True, True]]


@pytest.mark.filterwarnings("ignore:y_pred contains")
def test_metrics_of_scores():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(7, (200,), generator=generator) ** 2 // 7  # some classes are large, some have no image
    scores = torch.randn(200, 7, generator=generator) + 2 * torch.eye(7)[labels]
    found = accuracy_metrics(scores, labels, seed=0)
    assert list(found) == ["top1", "top5", "mean_per_class"]
    assert found["top1"].value == pytest.approx(float((scores.argmax(1) == labels).double().mean()))
    witness = balanced_accuracy_score(labels.numpy(), scores.argmax(1).numpy())
    assert found["mean_per_class"].value == pytest.approx(witness)
    assert list(accuracy_metrics(scores[:, :3], labels.clamp(max=2), seed=0)) == ["top1", "mean_per_class"]
