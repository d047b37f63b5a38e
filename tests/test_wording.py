"""Numbers with their nouns, and the length of words."""

from loocbench.wording import count_of, longest_word


def test_one_thing_is_in_the_singular():
    assert [count_of(number, "epoch") for number in (0, 1, 2, 1200)] == [
        "0 epochs",
        "1 epoch",
        "2 epochs",
        "1,200 epochs",
    ]
    assert [count_of(number, "class", "classes") for number in (1, 2)] == ["1 class", "2 classes"]


def test_the_longest_word_of_some_texts():
    assert longest_word(["cosine of images", "epoch\nrotation"]) == len("rotation")
    assert longest_word(["", " "]) == longest_word([]) == 0
