"""All formats: a fixed store looks as its golden files, and hostile names are text.

Covers loocbench.report.formats.rendering, loocbench.report.formats.json_text and
loocbench.report.formats.comparison_rows.
"""

import io
import json

import pandas as pd
import pytest

from loocbench.report.formats import csv_text, json_text, latex, markdown
from loocbench.report.table.table import build_table
from tests.report import renew
from tests.report.formats.test_latex import latex_rows
from tests.report.reading import parse_tables
from tests.report.rows import HOSTILE, measured_row


@pytest.mark.parametrize("name", renew.FORMATS)
def test_a_fixed_store_looks_as_it_always_did(built, name):
    """A deliberate change: python -m tests.report.renew"""
    assert renew.FORMATS[name](built) == (renew.GOLDEN / name).read_text(encoding="utf-8")


def test_hostile_names_are_text_in_every_format():
    one = build_table([measured_row(HOSTILE, 0.5, features=HOSTILE), measured_row("B", 0.6)])
    shown = " ".join(HOSTILE.split())
    (lines,) = parse_tables(markdown.render_markdown(one, HOSTILE))
    assert {line["Model"] for line in lines} == {shown, "B"}
    assert r"\$h\$" in markdown.render_markdown(one, HOSTILE)  # no mathematics
    frame = pd.read_csv(io.StringIO(csv_text.render_csv(one)))
    assert shown in set(frame.model)
    assert json.loads(json_text.render_json(one, HOSTILE))["measured"][0]["model"] in (HOSTILE, "B")
    rows = latex_rows(latex.render_latex(one, HOSTILE))
    (row,) = [row for row in rows if row[0].startswith("a|b")]
    assert "*d* <e> _f_" in row[0]
    assert r"\texttt{U+65E5}" in latex.render_latex(one, HOSTILE)  # a letter that LaTeX's usual fonts lack


def test_json_parses_back_exactly(built):
    found = json.loads(json_text.render_json(built, "x"))
    for line, wanted in zip(found["measured"], built.measured, strict=True):
        assert [cell and cell["value"] for cell in line["cells"]] == [cell and cell.value for cell in wanted.cells]
    assert len(found["tests"]) == len(built.tests)
