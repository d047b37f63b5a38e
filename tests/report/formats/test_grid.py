"""The layout that all formats share.

Covers ``loocbench.report.formats.grid``.
"""

import re

from loocbench.report.formats import markdown
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
            (text,) = [value for name, value in line.items() if name == f"{one.model}, {one.features}"]
            assert re.sub(r"</?\w+>", "", text).split(" ")[0] == (format_percent(cell.value) if cell else "–")


def test_a_cell_of_fewer_seeds_than_its_line_says_so():
    seeds = [{"seed": seed, "checkpoint": f"a{seed}", "checkpoint_hash": f"{seed}" * 64} for seed in range(3)]
    rows = [measured_row("A", 0.5, **seed) for seed in seeds]
    rows += [measured_row("A", 0.6, task="rotation/cub200", dataset="cub200", **seed) for seed in seeds[:1]]
    ((line,),) = parse_tables(markdown.render_markdown(build_table(rows), "x"))
    assert [value.endswith(" (1 seed)") for name, value in line.items() if "top-1" in name] == [False, True]
