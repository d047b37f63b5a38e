"""Markdown that parses back to the stored values."""

import re

from loocbench.report.formats import markdown
from loocbench.report.table.labels import format_percent
from loocbench.report.table.table import build_table
from tests.report.reading import measured_cells, parse_tables
from tests.report.rows import measured_row


def test_the_markdown_parses_back_to_the_stored_values():
    page = markdown.render_markdown(build_table([measured_row("A", 0.5), measured_row("B", 0.612)]), "Results")
    (lines,) = parse_tables(page)
    assert [line["Model"] for line in lines] == ["A", "B"]
    assert [line["Blooms species, top-1 (v1)"] for line in lines] == ["50.0 ± 3.0", "<b>61.2 ± 3.0</b>"]


def test_markdown_parses_back(built):
    lines = parse_tables(markdown.render_markdown(built, "x"))[0]
    for (model, features, heading), cell in measured_cells(built).items():
        (line,) = [one for one in lines if (one["Model"], one["Features"]) == (model, features)]
        text = re.sub(r"</?\w+>", "", line[heading])
        assert text.startswith(format_percent(cell.value))
        assert ("<b>" in line[heading]) == (cell.rank == "best")
        assert ("<ins>" in line[heading]) == (cell.rank == "second")
