import json
from dataclasses import replace
from pathlib import Path

import pytest

from loocbench.errors import UserError
from loocbench.jobs.question import Question
from loocbench.jobs.settings import EvaluationSettings

ASKED = Question("find_task", {"kind": "linear", "dataset": "blooms"}, "run", None, EvaluationSettings())


def test_it_finds_its_task():
    assert ASKED.find_task().task == "linear/blooms"
    assert replace(ASKED, finder="find_named_task", arguments={"name": "knn/blooms-color"}).find_task().kind == "knn"
    with pytest.raises(UserError, match="bloms"):
        replace(ASKED, arguments={"kind": "linear", "dataset": "bloms"}).find_task()


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": {"kind": "linear", "dataset": "blooms", "label": "color"}},
        {"finder": "find_named_task"},
        {"checkpoint": None},
        {"features": "looc++"},
        *(
            {"settings": EvaluationSettings(**one)}
            for one in (
                {"results": Path("other")},
                {"suite": "other"},
                {"data_dir": Path("other")},
                {"runs": Path("other")},
                {"seed": 1},
                {"limit": 8},
                {"precision": "bfloat16"},
                {"device": "cpu"},
                {"compiled": True},
                {"skip_damaged": True},
            )
        ),
    ],
)
def test_every_option_makes_another_question(changes):
    assert replace(ASKED, **changes).describe() != ASKED.describe()


def test_what_is_asked_survives_json():
    asked = replace(ASKED, settings=EvaluationSettings(data_dir=Path("data")))
    assert json.loads(json.dumps(asked.describe())) == asked.describe()


def test_measuring_again_is_no_other_question():
    assert replace(ASKED, settings=EvaluationSettings(overwrite=True)).describe() == ASKED.describe()


def test_the_cache_is_the_users_unless_one_is_named(tmp_path):
    assert ASKED.cache == tmp_path / "cache" / "loocbench"
    assert replace(ASKED, settings=EvaluationSettings(cache=Path("mine"))).cache == Path("mine")
