"""Protocols of any shots, ways and trials: the shipped card where there is one, else its other settings."""

from loocbench.cards.few_shot_variants import find_few_shot, make_few_shot
from loocbench.cards.protocols import load_protocol


def test_shipped_numbers_are_the_shipped_card():
    assert make_few_shot(5) == load_protocol("few-shot-5")
    assert make_few_shot(10, solver="path") == load_protocol("few-shot-10-path")
    assert make_few_shot(1, ways=5, trials=2000) == load_protocol("episodes-5way-1shot")


def test_other_numbers_change_nothing_else():
    shipped, made = load_protocol("few-shot-5-path"), make_few_shot(3, solver="path")
    assert made.settings.model_dump() == {**shipped.settings.model_dump(), "shots": 3}
    assert (made.version, made.kind, made.variant) == (shipped.version, "few-shot", "3-path")


def test_names_are_read_back():
    for card in (make_few_shot(7), make_few_shot(2, ways=3, trials=50), make_few_shot(4, solver="path", trials=5)):
        assert find_few_shot(card.kind, card.variant) == card
    assert find_few_shot("few-shot", "5-10trials") is None  # 10 are usual: that task is called few-shot-5
