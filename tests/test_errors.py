"""Messages of user errors: one line, the nearest known name, and no control characters."""

import pytest

from loocbench.errors import DamagedImageError, SharedError, UserError, printable, unknown


def test_an_unknown_name_is_answered_with_the_nearest_and_all_known_ones():
    error = unknown("data set", "cub20", ["cub200", "flowers102"])
    assert isinstance(error, UserError)
    assert str(error) == "unknown data set 'cub20'. Did you mean 'cub200'? Available: cub200, flowers102."


def test_a_name_like_no_other_gets_no_suggestion():
    assert "Did you mean" not in str(unknown("task", "xyz", ["linear/cub200"]))
    assert str(unknown("task", "xyz", iter(()))) == "unknown task 'xyz'. Available: none."


@pytest.mark.parametrize(("text", "shown"), [("é 日本", "é 日本"), ("a\x1b[31mb\nc\x07", "a�[31mb�c�")])
def test_text_of_a_file_cannot_move_the_cursor_or_colour_the_terminal(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize("kind", [DamagedImageError, SharedError])
def test_special_errors_are_user_errors(kind):
    assert issubclass(kind, UserError)
