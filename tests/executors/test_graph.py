"""The graph of jobs against what can be counted by hand, and laws that every schedule obeys."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loocbench.executors import graph
from loocbench.executors.job import Job, Needs


def job(name, *after, minutes=1.0):
    return Job(name, name, "kind", Needs(), after, minutes)


DIAMOND = [job("a", minutes=2), job("b", "a", minutes=3), job("c", "a"), job("d", "b", "c", minutes=4), job("e")]


def test_what_a_failure_takes_with_it():
    assert graph.find_dependents(DIAMOND, {"c"}) == {"d"}
    assert graph.find_dependents(DIAMOND, {"a"}) == {"b", "c", "d"}
    assert graph.find_dependents(DIAMOND, {"e"}) == set()


def test_chains_and_the_order_to_begin_in():
    assert graph.chain_minutes(DIAMOND) == {"a": 9, "b": 7, "c": 5, "d": 4, "e": 1}
    assert [one.name for one in graph.begin_first(reversed_copy())] == ["a", "b", "c", "d", "e"]


def reversed_copy():
    """The diamond with its independent job first."""
    return [DIAMOND[-1], *DIAMOND[:-1]]


def test_schedules_counted_by_hand():
    assert graph.simulate(DIAMOND, 1) == 11
    assert graph.simulate(DIAMOND, 2) == 9
    assert graph.shortest_possible(DIAMOND, 1) == 11
    assert graph.shortest_possible(DIAMOND, 2) == 9
    assert graph.simulate([], 3) == 0


def test_a_job_whose_time_is_unknown_counts_as_a_minute():
    assert graph.sum_minutes([job("a", minutes=None), job("b", minutes=2)]) == 1 + 2


@pytest.mark.parametrize("jobs", [[job("a"), job("a")], [job("b", "a"), job("a")], [job("a", "nowhere")]])
def test_names_twice_and_wrong_orders_are_found(jobs):
    with pytest.raises(ValueError, match=r"two jobs|comes before"):
        graph.require_order(jobs)


@st.composite
def graphs(draw):
    jobs = []
    for number in range(draw(st.integers(1, 12))):
        after = draw(st.sets(st.sampled_from([one.name for one in jobs]), max_size=3)) if jobs else set()
        jobs.append(job(f"j{number}", *sorted(after), minutes=draw(st.floats(0.1, 20))))
    return jobs


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(1, 5))
def test_no_schedule_beats_the_bound_or_is_twice_as_long(jobs, workers):
    """Graham 1966: list scheduling is within 2 - 1 / workers of the best."""
    graph.require_order(jobs)
    ordered = graph.begin_first(jobs)
    graph.require_order(ordered)
    bound = graph.shortest_possible(jobs, workers)
    for order in (jobs, ordered):
        assert bound <= graph.simulate(order, workers) + 1e-9
        assert graph.simulate(order, workers) <= (2 - 1 / workers) * bound * (1 + 1e-9) + 1e-9
    assert graph.simulate(jobs, 1) == pytest.approx(graph.sum_minutes(jobs))


def test_the_longest_chain_first_is_best_for_a_long_chain_and_short_jobs():
    chain = [job("c0", minutes=5), *(job(f"c{n}", f"c{n - 1}", minutes=5) for n in range(1, 4))]
    short = [job(f"s{n}", minutes=1) for n in range(20)]
    assert graph.simulate([*short, *chain], 2) == 30
    assert graph.simulate(graph.begin_first([*short, *chain]), 2) == 20
