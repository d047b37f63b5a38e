"""Work on many files at once."""

from loocbench.data import parallel


def test_results_are_in_order():
    assert parallel.map_parallel(str.upper, list("abc" * 100)) == list("ABC" * 100)
    assert parallel.count_cores() >= 1
