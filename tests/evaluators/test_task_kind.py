"""Task kinds by what they say of themselves, in loocbench.evaluators and loocbench.evaluators.task_kind."""

import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from loocbench.cards import tasks
from loocbench.errors import UserError
from loocbench.evaluators import KINDS, get_kind
from loocbench.evaluators.task_kind import Changes


@pytest.mark.parametrize("name", list(KINDS))
def test_a_kind_is_kept_under_its_name(name):
    assert get_kind(name) is KINDS[name]
    assert KINDS[name].name == name


def test_an_unknown_kind_is_refused_with_those_that_exist():
    with pytest.raises(UserError, match=r"unknown task kind 'lineer'\. Did you mean 'linear'"):
        get_kind("lineer")


@pytest.mark.parametrize("name", [*KINDS])
def test_the_headline_and_the_metrics_of_tables_are_among_the_metrics(name):
    cards = [tasks.load_task(task) for task in tasks.task_names() if task.startswith(f"{name}/blooms")]
    assert cards
    for card in cards:
        assert card.metric in card.metrics
        assert set(card.task_kind.table_metrics(card.metric, card.metrics)) <= set(card.metrics)


def test_a_row_without_the_headline_shows_all_its_metrics():
    assert KINDS["linear"].table_metrics("top1", ["top1", "top5"]) == ["top1"]
    assert KINDS["linear"].table_metrics("top1", ["top5", "mean_per_class"]) == ["top5", "mean_per_class"]


def test_changes_of_a_protocol_exist():
    changes = TypeAdapter(Changes)
    assert changes.validate_python(["hue", "rotation"]) == ("hue", "rotation")
    with pytest.raises(ValidationError, match=r"change 'hues' is not one of .*hue"):
        changes.validate_python(["hues"])


def test_what_kinds_say_of_themselves_needs_neither_torch_nor_scikit_learn():
    code = (
        "import sys; from loocbench.evaluators import KINDS; list(KINDS.values()); "
        "print({'torch', 'sklearn'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
