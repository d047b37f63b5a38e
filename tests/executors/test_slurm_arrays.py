"""Jobs in arrays: alike ones together, each after those that it needs, and no more waiting than is needed."""

from loocbench.executors.job import Job, Needs
from loocbench.executors.slurm_arrays import Array, group_alike, split_group


def job(name, *after, kind="measure", **needs):
    return Job(name, name, kind, Needs(**needs), after)


def names(group):
    return [each.name for each in group]


TRAIN = [job(f"t{number}", kind="pretrain", gpus=1) for number in range(3)]
MEASURE = [job(f"m{number}", f"t{number}") for number in range(3)]
NUMBERS = {f"t{number}": f"7_{number}" for number in range(3)}


def test_jobs_of_a_kind_with_equal_needs_are_a_group_after_those_that_they_need():
    jobs = [job("m-untrained"), *TRAIN, *MEASURE, job("large", "t0", cores=8), job("other", "t0", kind="measure b")]
    groups = [names(group) for group in group_alike(jobs)]
    assert groups == [["m-untrained"], ["t0", "t1", "t2"], ["m0", "m1", "m2"], ["large"], ["other"]]


def test_a_chain_of_one_kind_is_a_group_for_each_link():
    assert [names(group) for group in group_alike([job("a"), job("b", "a"), job("c", "b"), job("d", "gone")])] == [
        ["a", "d"],
        ["b"],
        ["c"],
    ]


def test_jobs_that_need_nothing_are_one_array_up_to_the_most_that_is_allowed():
    assert split_group(TRAIN, {}, 1000) == [Array(tuple(TRAIN))]
    assert [len(array.jobs) for array in split_group(TRAIN, {}, 2)] == [2, 1]
    assert split_group(MEASURE, {}, 1000) == [Array(tuple(MEASURE))]  # what they need is done, so has no number


def test_jobs_that_need_those_of_an_array_wait_each_for_its_own_in_that_order():
    assert split_group(MEASURE[::-1], NUMBERS, 1000) == [Array(tuple(MEASURE), "aftercorr:7")]


def test_where_the_order_has_a_gap_the_rest_wait_for_the_very_jobs():
    later = [*MEASURE[:1], *MEASURE[2:]]
    assert split_group(later, NUMBERS, 1000) == [
        Array((MEASURE[0],), "afterok:7_0"),
        Array((MEASURE[2],), "afterok:7_2"),
    ]
    four = [*MEASURE[:2], job("m9", "t9")]
    assert split_group(four, {**NUMBERS, "t9": "7_9"}, 1000) == [
        Array(tuple(MEASURE[:2]), "aftercorr:7"),
        Array((four[2],), "afterok:7_9"),
    ]


def test_jobs_that_need_one_single_job_are_an_array_that_waits_for_it():
    both = [job("a", "t"), job("b", "t")]
    assert split_group(both, {"t": "5"}, 1000) == [Array(tuple(both), "afterok:5")]


def test_a_job_that_needs_several_waits_for_all():
    one = job("all", "t0", "t1", "gone")
    assert split_group([one], NUMBERS, 1000) == [Array((one,), "afterok:7_0:7_1")]
