"""Choosing a strength: the grid goes on beyond its edge while validation gains, and no further."""

import pytest

from loocbench.evaluators.strength_search import STRONGEST, WEAKEST, search_strength
from loocbench.solvers.grid import NotConvergedError


def search(grid, accuracy, fails=()):
    """Search with a known accuracy for every strength; also returns what was asked, call by call."""
    asked = []

    def evaluate(strengths):
        asked.append(list(strengths))
        if set(strengths) & set(fails):
            raise NotConvergedError("not solved")
        return [accuracy(strength) for strength in strengths], max(strengths) * 1e-9

    return search_strength(grid, evaluate), asked


def peak_at(best):
    return lambda strength: -abs(round(100 * (strength / best - 1))) if strength >= best else -1000 * (best / strength)


def test_a_best_strength_within_the_grid_is_the_choice():
    choice, asked = search([1e-3, 1e-1, 1e-2], peak_at(1e-2))
    assert (choice.strength, choice.at_bound) == (1e-2, False)
    assert asked == [[1e-1, 1e-2, 1e-3]]
    assert choice.chosen == {"lambda": 1e-2}


@pytest.mark.parametrize("best", [1e-5, 1e-7])
def test_beyond_the_weak_edge_it_goes_on_until_validation_stops_gaining(best):
    choice, asked = search([1e-1, 1e-2, 1e-3], peak_at(best))
    assert choice.strength == best
    assert not choice.at_bound
    assert asked[1:] == [[one] for one in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8) if one > best / 11]
    assert [point["lambda"] for point in choice.curve] == sorted((one for part in asked for one in part), reverse=True)


def test_beyond_the_strong_edge_too():
    choice, asked = search([1e-1, 1e-2], lambda strength: -abs(strength - 1))
    assert choice.strength == 1
    assert asked[1:] == [[1.0], [10.0]]


def test_ties_go_to_the_strongest_and_end_the_search():
    choice, asked = search([1.0, 0.1], lambda strength: 0.5)
    assert choice.strength == 10
    assert asked[1:] == [[10.0]]


@pytest.mark.parametrize(("sign", "bound"), [(-1, WEAKEST), (1, STRONGEST)])
def test_the_search_is_bounded_and_says_so(sign, bound):
    choice, _ = search([1e-1, 1e-2], lambda strength: sign * strength)
    assert choice.strength == pytest.approx(bound)
    assert choice.chosen == {"lambda": choice.strength, "lambda_at_bound": 1.0}


def test_a_strength_that_cannot_be_solved_is_a_bound():
    choice, _ = search([1e-1, 1e-2], lambda strength: -strength, fails=[1e-4])
    assert (choice.strength, choice.at_bound) == (1e-3, True)
    with pytest.raises(NotConvergedError):
        search([1e-1, 1e-2], lambda strength: -strength, fails=[1e-2])


def test_a_grid_of_one_strength_is_taken_as_it_is():
    choice, asked = search([1e-2], lambda strength: 1)
    assert (choice.strength, asked) == (1e-2, [[1e-2]])
