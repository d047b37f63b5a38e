"""The table on a terminal of any width."""

import io

import pytest

from loocbench.report.table.labels import format_percent
from loocbench.report.table.table import build_table
from tests.report import renew
from tests.report.reading import measured_cells
from tests.report.rows import measured_row


def test_the_terminal_shows_the_same_figures_and_the_subsets_name():

    from rich.console import Console

    from loocbench.report.formats import terminal

    note = "subset 9 of 11,788"
    rows = [
        measured_row(name, value, task="linear/cub200", dataset="cub200", dataset_note=note)
        for name, value in (("A", 0.5), ("B", 0.6))
    ]
    stream = io.StringIO()
    terminal.print_table(build_table(rows), Console(file=stream, width=160))
    shown = stream.getvalue()
    assert "[subset 9" in shown
    assert "50.0 ± 3.0" in shown
    ours, theirs = shown.split("Published, not measured here: Xiao et al. 2021, Table 2")
    assert "36.7" in theirs
    assert "36.7" not in ours


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_terminal_is_never_wider_than_it_is(built, width):
    shown = renew.on_a_terminal(built, width)
    assert max(map(len, shown.splitlines())) <= width
    for cell in measured_cells(built).values():
        assert format_percent(cell.value) in shown
