"""Paired tests against scipy, Holm's correction against the definition that it shortens, and the laws they keep."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from loocbench.report.table import significance


def answers(seed, count=400, share=0.6, agreement=0.5):
    """Right answers of two models that partly agree."""
    generator = np.random.default_rng(seed)
    first = generator.random(count) < share
    second = np.where(generator.random(count) < agreement, first, generator.random(count) < share)
    return first, second


@pytest.mark.parametrize("seed", range(20))
def test_mcnemar_is_scipys_sign_test_of_what_differs(seed):
    generator = np.random.default_rng(seed)
    first, second = answers(seed, int(generator.integers(5, 600)), generator.random(), generator.random())
    table = np.array([[np.sum((first == one) & (second == other)) for other in (1, 0)] for one in (1, 0)])
    ours = significance.mcnemar_test(first, second)
    differ = table[0, 1] + table[1, 0]
    assert ours.p == pytest.approx(stats.binomtest(table[0, 1], differ).pvalue if differ else 1, abs=1e-12)
    assert (ours.only_first, ours.only_second) == (table[0, 1], table[1, 0])


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_is_the_closed_test_by_bonferroni(p_values):
    """An adjusted p is the largest of Bonferroni's over all sets that contain the hypothesis (Marcus et al. 1976)."""
    everyone = range(len(p_values))
    sets = [chosen for size in range(1, len(p_values) + 1) for chosen in combinations(everyone, size)]
    tested = {chosen: min(1.0, len(chosen) * min(p_values[one] for one in chosen)) for chosen in sets}
    expected = [max(p for chosen, p in tested.items() if one in chosen) for one in everyone]
    assert significance.holm_correction(p_values) == pytest.approx(expected)


def test_holm_is_that_of_other_programs():
    """As statsmodels 0.14 and p.adjust of R compute them."""
    found = significance.holm_correction([0.01, 0.02, 0.03, 0.005, 0.8, 0.02])
    assert found == pytest.approx([0.05, 0.08, 0.08, 0.03, 0.8, 0.08])


def test_holm_of_nothing_is_nothing():
    assert significance.holm_correction([]) == []


def continuous(seed, count=600):
    generator = np.random.default_rng(seed)
    shared = generator.random(count)
    return (
        np.clip(shared + 0.1 * generator.standard_normal(count), 0, 1),
        np.clip(shared - 0.01 + 0.1 * generator.standard_normal(count), 0, 1),
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [answers, continuous])
def test_the_bootstrap_is_scipys(seed, make):
    first, second = (np.asarray(part, float) for part in make(seed))
    ours = significance.bootstrap_difference([first], [second], by_seed=True, seed=seed)
    theirs = stats.bootstrap(
        (first, second),
        lambda one, other, axis: one.mean(axis=axis) - other.mean(axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=significance.RESAMPLES,
        batch=500,
        random_state=np.random.default_rng(seed),
    )
    wide = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.value == pytest.approx((first - second).mean())
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.04 * wide)  # both are drawn
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.04 * wide)
    drawn = theirs.bootstrap_distribution
    assert ours.p == pytest.approx(min(1, 2 * min((drawn <= 0).mean(), (drawn >= 0).mean())), abs=0.05)


def test_on_continuous_values_the_p_value_is_that_of_students_paired_test():
    for seed in range(5):
        first, second = continuous(seed)
        ours = significance.bootstrap_difference([first], [second], by_seed=True)
        assert ours.p == pytest.approx(stats.ttest_rel(first, second).pvalue, abs=0.02)


def test_counting_different_items_is_resampling_items(monkeypatch):
    first, second = (np.asarray(part, float) for part in answers(3))
    counted = significance.bootstrap_difference([first], [second], by_seed=True)
    monkeypatch.setattr(significance, "_FEW_DISTINCT", 0)
    drawn = significance.bootstrap_difference([first], [second], by_seed=True)
    assert drawn.value == counted.value
    assert (drawn.low, drawn.high) == pytest.approx(
        (counted.low, counted.high), abs=0.04 * (counted.high - counted.low)
    )


@pytest.mark.parametrize("by_seed", [True, False])
def test_swapping_the_models_turns_the_difference_round(by_seed):
    first, second = ([np.asarray(answers(seed)[side], float) for seed in range(3)] for side in (0, 1))
    one = significance.bootstrap_difference(first, second, by_seed=by_seed)
    other = significance.bootstrap_difference(second, first, by_seed=by_seed)
    assert one.value == pytest.approx(-other.value)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=0.01)


def test_models_that_are_the_same_do_not_differ():
    first, _ = answers(0)
    assert significance.mcnemar_test(first, first).p == 1
    same = significance.bootstrap_difference([first.astype(float)], [first.astype(float)], by_seed=True)
    assert same == (0, 0, 0, 1)


@pytest.mark.parametrize("by_seed", [True, False])
def test_models_that_differ_by_rounding_do_not_differ(by_seed):
    first, second = np.full(60, 0.1 + 0.2), np.full(60, 0.3)
    assert (first != second).all()
    assert significance.bootstrap_difference([first], [second], by_seed=by_seed).p == 1


@pytest.mark.parametrize("by_seed", [True, False])
def test_under_no_difference_at_most_five_in_a_hundred_tests_find_one(by_seed):
    """Models whose accuracies vary from seed to seed, three seeds each; resampling three seeds would find 12 to 19."""
    generator = np.random.default_rng(0)
    found = 0
    for repeat in range(300):
        hard = generator.random(300)
        both = [[(hard < 0.6 + 0.06 * generator.standard_normal()).astype(float) for _ in range(3)] for _ in range(2)]
        found += significance.bootstrap_difference(*both, by_seed=by_seed, seed=repeat).p < 0.05
    assert found / 300 < 0.07


@pytest.mark.parametrize("count", [5, 10])
def test_of_few_items_at_most_five_in_a_hundred_tests_find_a_difference(count):
    """Resampling 10 items would find 8 in a hundred, 5 items 12; the interval agrees with p."""
    generator = np.random.default_rng(0)
    p_values = []
    for repeat in range(600):
        both = generator.normal(0.5, 0.02, (2, count))
        ours = significance.bootstrap_difference(both[:1], both[1:], by_seed=True, seed=repeat)
        p_values.append(ours.p)
        if abs(ours.p - 0.05) > 0.01:
            assert (ours.low > 0 or ours.high < 0) == (ours.p < 0.05)
    assert np.mean(np.array(p_values) < 0.05) < 0.065


@pytest.mark.parametrize("by_seed", [True, False])
def test_of_few_items_it_is_students_paired_test(by_seed):
    first, second = continuous(1, 12)
    theirs = stats.ttest_rel(first, second)
    low, high = theirs.confidence_interval(0.95)
    ours = significance.bootstrap_difference([first], [second], by_seed=by_seed)
    assert ours.p == pytest.approx(theirs.pvalue, abs=0.02)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.04 * (high - low))


def test_below_what_resamples_can_count_the_p_value_is_students():
    """Holm's correction over a thousand tests must leave room for a difference that is plain."""
    first, second = continuous(0)
    ours = significance.bootstrap_difference([first + 0.05], [second], by_seed=True)
    assert ours.p == pytest.approx(stats.ttest_rel(first + 0.05, second).pvalue, rel=1e-6)
    assert significance.holm_correction([ours.p] * 1000)[0] < 0.001


@pytest.mark.parametrize("by_seed", [True, False])
def test_three_seeds_are_never_surer_than_students_test_of_them(by_seed):
    generator = np.random.default_rng(0)
    first, second = ([shift + 0.001 * generator.random(500) + 0.001 * seed for seed in range(3)] for shift in (0.9, 0))
    second = [part + 0.0004 * seed**2 for seed, part in enumerate(second)]
    seeds = stats.ttest_rel(*([part.mean() for part in side] for side in (first, second)))
    if by_seed:
        assert significance.bootstrap_difference(first, second, by_seed=True).p >= 0.99 * seeds.pvalue
    else:
        assert 1e-12 < significance.bootstrap_difference(first, second, by_seed=False).p < 0.001


def test_the_same_difference_everywhere_is_as_sure_as_its_signs():
    ours = significance.bootstrap_difference([np.full(4, 0.5)], [np.full(4, 0.25)], by_seed=True)
    assert (ours.value, ours.low, ours.high) == (0.25, 0.25, 0.25)
    assert ours.p == 2**-3
    with pytest.raises(ValueError, match="a single item"):
        significance.bootstrap_difference([np.ones(1)], [np.zeros(1)], by_seed=True)


def test_one_seed_beside_three_is_a_draw_as_well():
    """Taken for the model itself it would find 16 differences in a hundred where there are none."""
    generator = np.random.default_rng(0)
    found = 0
    for repeat in range(300):
        hard = generator.random(300)
        first, second = (
            [(hard < 0.6 + 0.06 * generator.standard_normal()).astype(float) for _ in range(seeds)] for seeds in (3, 1)
        )
        found += significance.bootstrap_difference(first, second, by_seed=False, seed=repeat).p < 0.05
    assert found / 300 < 0.1  # 5 of 100, and what 300 repeats leave open


def test_where_seeds_differ_most_it_is_students_test():
    generator = np.random.default_rng(0)
    first, second = ([np.full(50, value) for value in generator.random(5)] for _ in range(2))
    paired = stats.ttest_rel([part[0] for part in first], [part[0] for part in second])
    ours = significance.bootstrap_difference(first, second, by_seed=True)
    assert ours.p == pytest.approx(paired.pvalue, abs=0.01)
    low, high = paired.confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.04 * (high - low))


def test_other_items_cannot_be_paired():
    with pytest.raises(ValueError, match="not the same items: 3 and 4"):
        significance.mcnemar_test(np.ones(3, bool), np.ones(4, bool))
    with pytest.raises(ValueError, match="not the same items"):
        significance.bootstrap_difference([np.ones(3)], [np.ones(4)], by_seed=True)
