"""loocbench.models.spaces: names of features, and the spaces that they join."""

from __future__ import annotations

import pytest

from loocbench.errors import UserError
from loocbench.models import spaces

HEADS = ("invariant", "color")


@pytest.mark.parametrize(
    ("embedding_spaces", "separate", "names"),
    [
        (HEADS, False, ["looc", "looc++", "head:invariant", "head:color"]),
        (HEADS, True, ["looc++", "head:invariant", "head:color"]),
        ((), False, ["looc"]),
    ],
)
def test_the_default_comes_first(embedding_spaces, separate, names):
    assert spaces.list_feature_names(embedding_spaces, separate=separate) == names


@pytest.mark.parametrize(
    ("name", "joined"),
    [
        ("looc", ("general",)),
        ("looc++", HEADS),
        ("looc+looc++", ("general", *HEADS)),
        ("head:color + head:invariant", ("color", "invariant")),
    ],
)
def test_a_name_says_which_spaces_are_joined_and_in_which_order(name, joined):
    assert spaces.parse_feature_name(name, HEADS, separate=False) == joined


@pytest.mark.parametrize("name", ["looc", "head:general", "looc+", ""])
def test_what_is_not_offered_is_refused(name):
    with pytest.raises(UserError, match="unknown features"):
        spaces.parse_feature_name(name, HEADS, separate=True)


def test_pooled_features_have_the_name_that_others_give_them():
    names = ["pooled", "pooled + head:color", "head:pooled", "looc++"]
    assert list(map(spaces.canonical_feature_name, names)) == ["looc", "looc+head:color", "head:pooled", "looc++"]
    assert spaces.parse_feature_name("pooled", HEADS, separate=False) == ("general",)
