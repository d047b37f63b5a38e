"""loocbench.models.inside_names: what a name inside a network joins, and what is refused."""

from __future__ import annotations

import pytest

from loocbench.errors import UserError
from loocbench.models import spaces
from loocbench.models.inside_names import InsideNames, expand_depth, is_inside, mentions_inside

RESNET = InsideNames(stages=4, projections=("color",))
VIT = InsideNames(blocks=6)


@pytest.mark.parametrize(
    ("inside", "name", "parts"),
    [
        (RESNET, "stage:3", ("stage:3",)),
        (RESNET, "stage:-1", ("stage:4",)),
        (RESNET, "projection:color", ("projection:color",)),
        (VIT, "block:0", ("block:0:cls", "block:0:patch")),
        (VIT, "block:-1", ("block:5:cls", "block:5:patch")),
        (VIT, "blocks:-1", ("block:5:cls", "block:5:patch")),
        (VIT, "blocks:-3", ("block:3:cls", "block:4:cls", "block:5:cls", "block:5:patch")),
        (InsideNames(blocks=3, class_token=False), "blocks:-2", ("block:1:patch", "block:2:patch")),
    ],
)
def test_a_name_joins_parts_that_count_from_the_beginning(inside, name, parts):
    assert inside.parse(name) == parts


@pytest.mark.parametrize(
    ("inside", "name", "message"),
    [
        (RESNET, "stage:5", "no features 'stage:5'; inside it are stage:1 to stage:4, projection:color."),
        (RESNET, "stage:0", "inside it are stage:1 to stage:4"),
        (RESNET, "stage:last", "inside it are stage:1 to stage:4"),
        (RESNET, "block:1", "inside it are stage:1 to stage:4"),
        (RESNET, "projection:colour", "Did you mean 'projection:color'"),
        (VIT, "block:6", r"block:0 to block:5 \(or block:-6 to block:-1\), blocks:-1 to blocks:-6"),
        (VIT, "blocks:-7", "blocks:-1 to blocks:-6"),
        (VIT, "blocks:4", "blocks:-1 to blocks:-6"),
        (InsideNames(), "stage:1", "inside it are none"),
    ],
)
def test_a_wrong_one_is_told_what_there_is(inside, name, message):
    with pytest.raises(UserError, match=message):
        inside.parse(name)


def test_they_are_joined_with_other_spaces():
    joined = spaces.parse_feature_name("looc + stage:2+head:color", ["color"], separate=False, inside=RESNET)
    assert joined == ("general", "stage:2", "color")
    with pytest.raises(UserError, match="a space occurs twice"):
        spaces.parse_feature_name("block:-1+blocks:-4", [], separate=False, inside=VIT)
    with pytest.raises(UserError, match="inside it are none"):
        spaces.parse_feature_name("stage:2", [], separate=False)


def test_what_is_offered_is_listed():
    assert RESNET.list_names() == ["stage:1", "stage:2", "stage:3", "stage:4", "projection:color"]
    assert InsideNames(blocks=2).list_names() == ["block:0", "block:1", "blocks:-2"]
    assert is_inside("block:-1")
    assert not is_inside("head:color")
    assert mentions_inside("looc + stage:3")
    assert not mentions_inside("looc++")


def test_every_block_is_every_block_or_stage_by_depth():
    assert expand_depth(["looc", "every-block"], InsideNames(blocks=2)) == ["looc", "block:0", "block:1"]
    assert expand_depth(["every-block", "stage:1"], InsideNames(stages=2)) == ["stage:1", "stage:2"]
    with pytest.raises(UserError, match="no blocks or stages to read; leave every-block out"):
        expand_depth(["every-block"], InsideNames(projections=("color",)))
