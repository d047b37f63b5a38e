"""Experiments by the names that users type."""

import pytest

from loocbench.errors import UserError
from loocbench.report.table.experiment_names import find_experiment
from tests.conftest import tiny_recipe
from tests.records.rows import make_row


def test_without_features_those_that_the_method_is_evaluated_on():
    """LooC's own are looc, also where all of its spaces were measured together."""
    rows = [
        make_row(checkpoint=method, checkpoint_hash=method, model=method, recipe=tiny_recipe(method), features=features)
        for method in ("looc", "looc++")
        for features in ("looc++", "head:color", "looc")
    ]
    assert find_experiment(rows, "looc").features == "looc"
    assert find_experiment(rows, "looc++").features == "looc++"
    foreign = [make_row(recipe=None, source="a file", epochs=None, features=name) for name in ("looc", "head:a")]
    assert find_experiment(foreign, "a-run").features == "looc"
    with pytest.raises(UserError, match=r"say which features of 'looc' with 'looc@FEATURES': looc\+\+, head:color."):
        find_experiment(rows[:2], "looc")


@pytest.mark.parametrize("name", ["random:resnet8", "resnet8", "Random-ResNet8", "random:resnet8-s1"])
def test_an_untrained_network_is_found_by_what_was_typed_to_measure_it(name):
    rows = [make_row(checkpoint="random-resnet8-s1", recipe=None, epochs=None), make_row(checkpoint="a-run")]
    assert sorted(find_experiment(rows, name).checkpoints) == ["random-resnet8-s1"]
    with pytest.raises(UserError, match="no rows of 'resnet'"):
        find_experiment(rows, "resnet")
