"""The interface that evaluators read is what an opened task offers: the same names with the same parameters."""

import inspect

import pytest

from loocbench.evaluators.task_data import TaskData
from loocbench.jobs.measurement import Measurement

NAMES = [name for name in vars(TaskData) if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_an_opened_task_offers_it(name):
    asked = vars(TaskData)[name]
    if isinstance(asked, property):
        assert isinstance(vars(Measurement).get(name), property) or name in Measurement.__dataclass_fields__
    else:
        offered = inspect.signature(vars(Measurement)[name]).parameters
        assert [(one.name, one.kind, one.default) for one in offered.values()] == [
            (one.name, one.kind, one.default) for one in inspect.signature(asked).parameters.values()
        ]
