"""Which jobs are begun, in which order, and what fits beside them: counted by hand, and laws of every schedule."""

from hypothesis import given
from hypothesis import strategies as st

from loocbench.executors.dispatch import Dispatcher
from loocbench.executors.graph import find_dependents
from loocbench.executors.job import Job, Needs


def job(name, *after):
    return Job(name, name, "kind", Needs(), after)


def dispatcher(jobs, **cores):
    return Dispatcher(jobs, {one.name: {"CPU": cores.get(one.name, 1)} for one in jobs})


def names(jobs):
    return [one.name for one in jobs]


def test_jobs_begin_when_those_that_they_need_are_done():
    found = dispatcher([job("a"), job("b"), job("c", "a", "b"), job("d", "c")])
    assert names(found.begin({"CPU": 8})) == ["a", "b"]
    found.finish("a", well=True)
    assert found.begin({"CPU": 8}) == []
    found.finish("b", well=True)
    assert names(found.begin({"CPU": 8})) == ["c"]
    found.finish("c", well=True)
    assert (names(found.begin({"CPU": 8})), found.over) == (["d"], False)
    found.finish("d", well=True)
    assert found.over


def test_no_more_begin_than_fit_and_the_first_in_order_before_others():
    found = dispatcher([job("a"), job("b"), job("c"), job("d", "a")])
    assert names(found.begin({"CPU": 2})) == ["a", "b"]
    found.finish("a", well=True)
    assert names(found.begin({"CPU": 2})) == ["c"]
    assert names(found.begin({"CPU": 3})) == ["d"]  # a node came


def test_a_large_job_is_not_overtaken_by_small_ones_for_ever():
    found = dispatcher([job("a"), job("large"), job("b"), job("c")], large=2)
    assert names(found.begin({"CPU": 2})) == ["a"]  # b would fit, and large would wait for b and then for c
    found.finish("a", well=True)
    assert names(found.begin({"CPU": 2})) == ["large"]


def test_a_job_overtakes_one_that_waits_for_what_it_does_not_use():
    jobs = [job("trains"), job("trains too"), job("counts")]
    needs = {"trains": {"GPU": 1, "CPU": 1}, "trains too": {"GPU": 1, "CPU": 1}, "counts": {"GPU": 0, "CPU": 1}}
    assert names(Dispatcher(jobs, needs).begin({"GPU": 1, "CPU": 3})) == ["trains", "counts"]


def test_a_lost_or_busy_job_is_ready_again():
    found = dispatcher([job("a"), job("b", "a")])
    found.begin({"CPU": 1})
    found.put_aside("a")
    assert (found.aside, found.begin({"CPU": 1})) == ({"a"}, [])
    found.again("a")
    assert (found.aside, names(found.ready)) == (set(), ["a"])
    assert names(found.begin({"CPU": 1})) == ["a"]


@st.composite
def graphs(draw):
    """Jobs that each need some of those before them, the cores of each, and which of them fail."""
    count = draw(st.integers(1, 12))
    jobs = [
        job(str(number), *map(str, draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else ()))
        for number in range(count)
    ]
    cores = {one.name: {"CPU": draw(st.integers(1, 3))} for one in jobs}
    return jobs, cores, draw(st.sets(st.sampled_from(names(jobs))))


@given(graphs(), st.integers(3, 6), st.randoms(use_true_random=False))
def test_every_job_is_done_once_or_held_back_and_never_too_many_at_once(graph, total, random):
    jobs, cores, failing = graph
    found = Dispatcher(jobs, cores)
    running, begun = [], []
    while not found.over:
        new = names(found.begin({"CPU": total}))
        running += new
        begun += new
        assert sum(cores[name]["CPU"] for name in running) <= total
        assert running, "nothing runs though something is left"
        found.finish(ended := running.pop(random.randrange(len(running))), well=ended not in failing)
    assert len(set(begun)) == len(begun)
    assert set(begun) == {one.name for one in jobs} - find_dependents(jobs, failing & set(begun))
    assert found.done == set(begun) - failing
