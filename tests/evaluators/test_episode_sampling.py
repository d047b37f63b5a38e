"""Episodes are a pure function of (seed, labels)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loocbench.errors import UserError
from loocbench.evaluators.episode_sampling import draw_episodes, draw_shots

LABELS = np.repeat(np.arange(8), [5, 9, 12, 7, 20, 6, 11, 30])


@given(seed=st.integers(0, 2**40), ways=st.integers(1, 4), shots=st.integers(1, 3), queries=st.integers(1, 4))
def test_an_episode_has_what_it_should(seed, ways, shots, queries):
    drawn = draw_episodes(LABELS, ways=ways, shots=shots, queries=queries, count=5, seed=seed)
    for support, asked in zip(drawn.support, drawn.queries, strict=True):
        rows = np.concatenate([support, asked], axis=1)
        assert len(np.unique(rows)) == ways * (shots + queries)  # nothing twice, nothing on both sides
        classes = LABELS[rows]
        assert (classes == classes[:, :1]).all()
        assert len(np.unique(classes[:, 0])) == ways


def test_an_episode_depends_on_its_number_and_the_seed_alone():
    few = draw_episodes(LABELS, ways=3, shots=2, queries=2, count=4, seed=7)
    many = draw_episodes(LABELS, ways=3, shots=2, queries=2, count=9, seed=7)
    assert np.array_equal(few.support, many.support[:4])
    assert few.fingerprint == draw_episodes(LABELS, ways=3, shots=2, queries=2, count=4, seed=7).fingerprint
    assert few.fingerprint != many.fingerprint
    assert few.fingerprint != draw_episodes(LABELS, ways=3, shots=2, queries=2, count=4, seed=8).fingerprint


def test_classes_and_images_are_drawn_evenly():
    drawn = draw_episodes(LABELS, ways=2, shots=2, queries=1, count=4000, seed=0)
    classes = np.bincount(LABELS[drawn.support[:, :, 0]].ravel(), minlength=8) / 8000
    np.testing.assert_allclose(classes, 1 / 8, atol=0.02)
    first = drawn.support[LABELS[drawn.support] == 0]
    np.testing.assert_allclose(np.bincount(first, minlength=5)[:5] / len(first), 1 / 5, atol=0.04)


def test_shots_of_every_class():
    drawn = draw_shots(LABELS, shots=5, count=3, seed=0)
    assert drawn.shape == (3, 8, 5)
    assert (LABELS[drawn] == np.arange(8)[:, None]).all()
    assert all(len(np.unique(trial)) == 40 for trial in drawn)
    assert not np.array_equal(drawn[0], drawn[1])


def test_too_few_images_are_refused():
    with pytest.raises(UserError, match="5 classes have the 9 images"):
        draw_episodes(LABELS, ways=6, shots=4, queries=5, count=1, seed=0)
    with pytest.raises(UserError, match="a class has 5 training images"):
        draw_shots(LABELS, shots=6, count=1, seed=0)
