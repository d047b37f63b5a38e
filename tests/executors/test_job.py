"""A job's needs and its name."""

import pytest
from pydantic import ValidationError

from loocbench.executors.job import Needs, job_name


def test_a_name_can_be_a_folders():
    assert job_name("measure", "demo-looc-s0", "folder:/data/my birds") == "measure.demo-looc-s0.folder-data-my-birds"


def test_long_names_stay_distinct_and_short():
    first, second = (job_name("measure", "x" * 300 + end, "blooms") for end in "ab")
    assert first != second
    assert len(first) == len(second) == 120


@pytest.mark.parametrize("wrong", [{"processes": 0}, {"gpus": -1}, {"minutes": 0}, {"memory_gib": 0}, {"gpu": 1}])
def test_impossible_needs_are_refused(wrong):
    with pytest.raises(ValidationError):
        Needs(**wrong)
