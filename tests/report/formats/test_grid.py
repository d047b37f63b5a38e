"""The layout that all formats share.

Covers ``loocbench.report.formats.grid``.
"""

import re

import pytest

from loocbench.report.formats import markdown
from loocbench.report.formats.grid import build_grids, describe_marks, format_cell
from loocbench.report.table.cells import Cell
from loocbench.report.table.labels import format_percent
from loocbench.report.table.table import build_table
from tests.report.reading import parse_tables
from tests.report.rows import measured_row


def test_pivoted_tasks_are_rows_with_the_same_figures(built):
    lines = parse_tables(markdown.render_markdown(built, "x", pivot=True))[0]
    assert [line["Task"] for line in lines] == [column.short for column in built.columns]
    for line, column in zip(lines, range(len(built.columns)), strict=True):
        for one in built.measured:
            cell = one.cells[column]
            (text,) = [value for name, value in line.items() if name.startswith(f"{one.model}, {one.features}, ")]
            assert re.sub(r"</?\w+>", "", text).split(" ")[0] == (format_percent(cell.value) if cell else "–")


def test_a_cell_of_fewer_seeds_than_its_line_says_so():
    seeds = [{"seed": seed, "checkpoint": f"a{seed}", "checkpoint_hash": f"{seed}" * 64} for seed in range(3)]
    rows = [measured_row("A", 0.5, **seed) for seed in seeds]
    rows += [measured_row("A", 0.6, task="rotation/cub200", dataset="cub200", **seed) for seed in seeds[:1]]
    ((line,),) = parse_tables(markdown.render_markdown(build_table(rows), "x"))
    assert [value.endswith(" (1 seed)") for name, value in line.items() if "top-1" in name] == [False, True]


@pytest.mark.parametrize("pivot", [False, True])
def test_lines_say_how_many_seeds_they_have_and_what_their_intervals_are_over(pivot):
    seeds = [{"seed": seed, "checkpoint": f"a{seed}", "checkpoint_hash": f"{seed}" * 64} for seed in range(3)]
    built = build_table([*(measured_row("A", 0.5, **seed) for seed in seeds), measured_row("B", 0.4)])
    lines = parse_tables(markdown.render_markdown(built, "x", pivot=pivot))[0]
    if pivot:
        assert list(lines[0])[2:] == ["A, looc++, 3 seeds", "B, looc++, 1 seed"]
    else:
        assert [line["Seeds"] for line in lines] == ["3, ± over seeds", "1, ± over items"]


def test_what_a_test_cannot_tell_from_the_best_is_marked():
    assert format_cell(Cell(0.5, 0.4, 0.6, spread=0.1, p_best=0.05)) == "50.0 ± 10.0 ≈"
    assert format_cell(Cell(0.5, 0.4, 0.6, spread=0.1, p_best=0.049)) == "50.0 ± 10.0"
    assert format_cell(Cell(0.5, 0.4, 0.6, spread=0.1, rank="best")) == "50.0 ± 10.0"


def test_marks_are_explained_where_there_are_any(built):
    text = describe_marks(build_grids(built)[0])
    assert text == "Per cent; bold: best of its column; ≈: a test does not tell it from the best."
    assert text in markdown.render_markdown(built, "x").split("| Model")[0]  # above the table
    alone = build_grids(build_table([measured_row("A", 0.5)]))[0]
    assert describe_marks(alone) == ""
