"""Protocol cards: written once, read in the order of the task kinds, changed files read again."""

import pytest

from loocbench.cards import protocols
from loocbench.errors import UserError
from loocbench.evaluators import KINDS

CARD = """
protocol = "knn-mine"
kind = "knn"
version = 3
description = "Mine."
cost = "nothing"

[settings]
neighbours = [1, 5]
"""


def test_every_kind_has_a_main_protocol_and_they_come_in_the_order_of_tables():
    cards = protocols.load_protocols()
    assert list(dict.fromkeys(card.kind for card in cards)) == list(KINDS)
    assert [card.protocol for card in cards if not card.variant and not card.for_test_sets] == [
        kind
        for kind in KINDS
        if kind not in ("few-shot", "episodes")  # all of those are variants: shots and ways
    ]
    assert [card.protocol for card in cards if card.kind == "linear"] == ["linear", "linear-ridge", "linear-sgd"]


def test_settings_are_those_of_the_kind_with_its_defaults(tmp_path):
    path = tmp_path / "knn-mine.toml"
    path.write_text(CARD)
    card = protocols.read_protocol(path)
    assert isinstance(card.settings, KINDS["knn"].protocol)
    assert (card.settings.neighbours, card.settings.temperature) == ((1, 5), 0.07)


def test_a_file_that_changed_is_read_again(tmp_path):
    path = tmp_path / "knn-mine.toml"
    path.write_text(CARD)
    first = protocols.read_protocol(path)
    assert protocols.read_protocol(path) is first
    path.write_text(CARD.replace("[1, 5]", "[7]"))
    assert protocols.read_protocol(path).settings.neighbours == (7,)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"knn-mine"', '"yours"', "protocol is 'yours', but the file is knn-mine.toml; rename one"),
        ('kind = "knn"', 'kind = "knnn"', "kind 'knnn' is not one of linear, knn"),
        ("[1, 5]", "[]", "neighbours: tuple should have at least 1 item"),
        ("[1, 5]", "[1, 0]", "neighbours.1: input should be greater than or equal to 1"),
        ("neighbours = [1, 5]", "", "neighbours: field required"),
        ("[1, 5]", "[1, 5]\nlambdas = [1]", "lambdas: unknown key; there are neighbours"),
    ],
)
def test_a_mistake_is_named_with_its_field(tmp_path, before, after, message):
    path = tmp_path / "knn-mine.toml"
    path.write_text(CARD.replace(before, after))
    with pytest.raises(UserError, match=message):
        protocols.read_protocol(path)


def test_an_unknown_protocol_is_refused_with_those_that_exist():
    with pytest.raises(UserError, match=r"Did you mean 'linear-sgd'\? Available: .*linear-ridge.* more"):
        protocols.load_protocol("linear-sg")
