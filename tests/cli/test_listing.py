"""Lists at any width: names are whole, and what is left out is said."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loocbench.cli.console import SafeConsole
from loocbench.cli.listing import Heading, choose_columns, print_list

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
