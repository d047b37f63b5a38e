"""Lists at any width: names are whole, and what is left out is said."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loocbench.cli.console import SafeConsole
from loocbench.cli.listing import Heading, choose_columns, print_list, share_width, split_columns

HEADINGS = [Heading("name"), Heading("n", right=True, spare=1), Heading("note", spare=2)]
LINES = [["a-long-name-that-tells-lines-apart", "1", "cheap"], ["a-long-name-that-tells-lines-apart-2", "12", "dear"]]


def shown(width):
    file = io.StringIO()
    print_list(SafeConsole(file=file, width=width), HEADINGS, LINES, all_by="--json has all")
    return file.getvalue()


def test_a_wide_terminal_shows_everything():
    assert "dear" in shown(80)
    assert "not shown" not in shown(80)


def test_a_narrow_one_leaves_out_what_matters_least_and_says_so():
    text = shown(48)
    assert "dear" not in text
    assert "not shown at this width: note (--json has all)" in text
    assert all(line[0] in text for line in LINES)


@pytest.mark.parametrize("width", [20, 30])
def test_a_name_that_does_not_fit_is_folded_and_never_cut(width):
    text = shown(width)
    assert "…" not in text
    names = "".join(line.split("│")[1].strip() for line in text.splitlines() if "│" in line)
    assert names == "".join(line[0] for line in LINES)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 3)), min_size=1, max_size=8), st.integers(20, 200))
def test_all_that_fits_is_shown_and_what_is_needed_always(columns, available):
    headings = [Heading("", spare=spare) for _, spare in columns]
    widths = [width for width, _ in columns]
    chosen = choose_columns(headings, widths, available)
    assert {place for place, heading in enumerate(headings) if not heading.spare} <= set(chosen)
    fits = sum(widths[place] + 3 for place in chosen) + 1 <= available
    assert fits or not any(headings[place].spare for place in chosen)
    if len(chosen) < len(headings):
        dropped = max(set(range(len(headings))) - set(chosen), key=lambda place: -headings[place].spare)
        assert sum(widths[place] + 3 for place in [*chosen, dropped]) + 1 > available


def printed(headings, lines, width, **more):
    file = io.StringIO()
    print_list(SafeConsole(file=file, width=width), headings, lines, **more)
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    return text


def test_headings_of_numbers_wrap_between_words():
    headings = [Heading("space"), *(Heading(f"varies with {name}", right=True) for name in ("color", "rotation"))]
    text = printed(headings, [["head:invariant", "0.123", "0.456"]], 40)
    assert "varies with" not in text
    assert {"varies", "with", "color", "rotation"} <= set(text.replace("┃", " ").split())


def test_numbers_that_do_not_fit_beside_one_another_are_several_tables_with_the_first_column():
    names = [f"head:space{number}" for number in range(9)]
    headings = [Heading("change"), *(Heading(name, right=True) for name in names)]
    lines = [["hue", *(f"{number}.0" for number in range(9))], ["rotation", *(f"{number}.5" for number in range(9))]]
    text = printed(headings, lines, 80, title="invariance, %")
    assert text.count("┏") == text.count("│ hue") == text.count("│ rotation") == 3
    assert text.count("invariance, %") == 1
    assert all(name in text for name in names)
    assert all(value in text for line in lines for value in line)


def test_text_wraps_between_words_and_names_stay_whole():
    headings = [Heading("checkpoint"), Heading("features", wraps=True), Heading("rows", right=True)]
    name = "demo-loocpp-color-rotation-blooms-s0"
    text = printed(headings, [[name, "looc++, head:invariant, head:color, head:rotation", "0 of 15"]], 80)
    assert name in text
    assert all(word in text for word in ("looc++,", "head:invariant,", "head:color,", "head:rotation"))


def test_names_in_brackets_are_no_markup():
    assert "LooC [2]" in printed([Heading("[name]")], [["LooC [2]"]], 40)


def test_room_that_is_left_goes_to_the_first_of_the_order():
    assert share_width([1, 0], [10, 10], [30, 14], 40) == {1: 14, 0: 19}
    assert share_width([0, 1], [10, 10], [10, 10], 80) == {0: 10, 1: 10}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=2, max_size=12), st.integers(47, 120))
def test_every_column_is_in_one_table_and_no_table_is_too_wide(widths, available):
    tables = split_columns(list(range(len(widths))), widths, available)
    assert [place for table in tables for place in table[1:]] == list(range(1, len(widths)))
    for table in tables:
        assert table[0] == 0
        assert sum(widths[place] + 3 for place in table) + 1 <= available
