"""P-values without resampling: Student's tests where those are exact, else the bootstrap's."""

import numpy as np
import pytest
from scipy import stats

from loocbench.report.table import closed_form, significance


def sides(seeds, items, shift=0.05, seed=0):
    """Values of two models on the same items; each model's seeds differ in their mean."""
    generator = np.random.default_rng(seed)
    shared = generator.random(items)
    return [
        [
            shared + gain + 0.02 * generator.standard_normal() + 0.3 * generator.standard_normal(items)
            for _ in range(count)
        ]
        for count, gain in zip(seeds, (shift, 0), strict=True)
    ]


def test_of_one_seed_each_it_is_students_paired_test():
    for items, tolerance in ((12, 1e-9), (600, 0.02)):  # of many items the normal distribution stands for Student's
        first, second = sides((1, 1), items)
        ours = closed_form.difference_p_value(first, second, by_seed=True, same_items=True)
        assert ours == pytest.approx(stats.ttest_rel(first[0], second[0]).pvalue, rel=tolerance)


def test_of_seeds_alone_paired_it_is_students_test_of_their_means():
    generator = np.random.default_rng(0)
    first, second = ([np.full(60, value) for value in generator.random(4)] for _ in range(2))
    ours = closed_form.difference_p_value(first, second, by_seed=True, same_items=True)
    theirs = stats.ttest_rel([part[0] for part in first], [part[0] for part in second]).pvalue
    assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("items", [20, 300])
@pytest.mark.parametrize(
    ("seeds", "by_seed", "same_items"),
    [((3, 3), True, True), ((3, 3), True, False), ((3, 3), False, True), ((3, 1), False, True), ((2, 4), False, False)],
)
def test_otherwise_it_is_what_the_bootstrap_converges_to(items, seeds, by_seed, same_items):
    first, second = sides(seeds, items)
    ours = closed_form.difference_p_value(first, second, by_seed=by_seed, same_items=same_items)
    drawn = significance.bootstrap_difference(first, second, by_seed=by_seed, same_items=same_items)
    assert ours == pytest.approx(drawn.p, abs=0.02)


def test_means_of_seeds_are_never_surer_than_welchs_test():
    for first, second in (((0.1, 0.2, 0.3), (0.4, 0.5, 0.9)), ((0.1, 0.11), (0.5, 0.9, 0.7, 0.8))):
        welch = stats.ttest_ind(first, second, equal_var=False).pvalue
        assert welch <= closed_form.seeds_p_value(first, second) < welch + 0.06


def test_a_single_seed_beside_several_is_a_draw_from_their_distribution():
    several = (0.5, 0.6, 0.7)
    t = (0.9 - 0.6) / (0.1 * (1 + 1 / 3) ** 0.5)
    assert closed_form.seeds_p_value(several, (0.9,)) == pytest.approx(2 * stats.t.sf(t, 2), rel=1e-9)


def test_no_difference_and_the_same_difference_everywhere():
    ones = [np.ones(4)]
    assert closed_form.difference_p_value(ones, ones, by_seed=True, same_items=True) == 1
    assert closed_form.difference_p_value(ones, [np.zeros(4)], by_seed=True, same_items=True) == 2**-3
    assert closed_form.seeds_p_value((0.5, 0.5, 0.5), (0.4, 0.4, 0.4)) == 2**-2
