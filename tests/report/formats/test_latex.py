"""LaTeX that parses back to the stored values, fits a page, and compiles.

Covers ``loocbench.report.formats.page_width``.
"""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from loocbench.report.formats import latex, page_width
from loocbench.report.formats.grid import MEASURED, Grid, GridRow, Head
from loocbench.report.table.cells import Cell
from loocbench.report.table.labels import format_percent
from loocbench.report.table.table import TableOptions, build_table
from tests.report.rows import HOSTILE, measured_row

_SIGNS = {"textbar": "|", "textless": "<", "textgreater": ">"}


def latex_rows(text, number=0):
    """The body rows of a table as lists of plain text, read by pylatexenc."""
    from pylatexenc.latex2text import LatexNodes2Text

    body = text.split(r"\begin{tabular}")[number + 1].split(r"\end{tabular}")[0].partition("\n")[2]
    body = re.sub(r"\\(toprule|midrule|bottomrule|addlinespace|cmidrule\(lr\)\{[\d-]+\})", "", body)
    body = re.sub(r"\\(?:textbf|underline)\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1", body)
    body = re.sub(r"\\shortstack\[\w\]", "", body).replace(r" \\ ", " ")  # lines of one cell
    for command, text in _SIGNS.items():  # which pylatexenc does not know
        body = body.replace(f"\\{command}{{}}", text)
    rows = [row for row in re.split(r"\\\\\n", body) if row.strip()]
    plain = LatexNodes2Text()
    return [[plain.latex_to_text(cell).strip() for cell in re.split(r"(?<!\\)&", row)] for row in rows]


def test_latex_parses_back(built):
    text = latex.render_latex(built, "x")
    count = text.count("x, part ") + 1
    values = {(line.model, line.features): [] for line in built.measured}
    for part in range(count):
        _, heads, *rows = latex_rows(text, part)
        assert heads[:3] == ["Model", "Features", "Seeds"]
        for name, found in values.items():
            row = next((row for row in rows if tuple(row[:2]) == name), ["–"] * len(heads))
            found += [text.split(" ")[0] for text in row[3:]]
    for line in built.measured:
        wanted = [format_percent(cell.value) if cell else "–" for cell in line.cells]
        assert values[line.model, line.features] == wanted


def test_no_table_is_wider_than_a_page_and_the_notes_stand_once(built):
    text = latex.render_latex(built, "x")
    assert text.count("Figures are per cent.") == 1
    parts = re.findall(r"x, part (\d) of (\d)", text)
    assert parts == [(str(number), str(len(parts) + 1)) for number in range(2, len(parts) + 2)]
    assert parts
    whole = latex.build_grids(built)[0]
    shortened, said = page_width.shorten_labels(whole)
    for part in page_width.split_columns(shortened, 80):
        lines = [[*row.labels, *map(latex.format_cell, row.cells)] for row in part.rows]
        assert sum(max(map(len, texts)) + 2 for texts in zip(*lines, strict=True)) <= 80
        assert all(any(row.cells) for row in part.rows)
    assert [head for part in page_width.split_columns(shortened, 80) for head in part.heads] == list(whole.heads)
    assert said == [
        "Trained on blooms, resnet8 at 16 px, 3 epochs; Random: nothing, resnet8 at 16 px; ResNet-50 50% | <off>: "
        "blooms, resnet50 at 16 px, unknown epochs, timm resnet50.a1_in1k."
    ]


def grid_of_columns(count):
    head = Head("Blooms", "top-1 of a task", "Blooms, top-1")
    row = GridRow(("A model", "looc", "", ""), (Cell(0.5, spread=0.123),) * count)
    return Grid(MEASURED, "", ("Model", "Features"), (head,) * count, (replace(row, labels=row.labels[:2]),))


def test_no_part_has_a_lone_column():
    """Columns of 13 characters beside labels of 17: five fit 90 characters, six a page that shrinks it a little."""
    assert [len(part.heads) for part in page_width.split_columns(grid_of_columns(6), 90)] == [6]
    assert [len(part.heads) for part in page_width.split_columns(grid_of_columns(7), 90)] == [4, 3]
    assert [len(part.heads) for part in page_width.split_columns(grid_of_columns(11), 90)] == [4, 4, 3]


def test_long_labels_take_two_lines_so_that_pivoted_tables_stay_few():
    note = "subset 1,549 of 11,788, re-encoded"
    rows = [measured_row(f"model {place}", 0.2 + place / 20, dataset_note=note) for place in range(4)]
    text = latex.render_latex(build_table(rows), "x", pivot=True)
    assert text.count(r"\begin{tabular}") == 1
    assert r"\shortstack[l]{Blooms species {[}subset \\ 1,549 of 11,788, \\ re-encoded{]}} &" in text


def test_notes_are_for_the_reader_of_a_paper(built):
    notes = ("A column for each question; 4 more columns with --all.", "`selected` is a 5 % choice of `a_b`.")
    text = latex.render_latex(replace(built, notes=notes), "x")
    assert "--all" not in text.replace("-{}-", "--")
    assert r"\texttt{selected} is a 5 \% choice of \texttt{a\_b}." in text


def test_seeds_that_are_the_same_everywhere_are_said_once():
    (grid, *_) = latex.build_grids(build_table([measured_row("A", 0.5), measured_row("B", 0.6)]))
    shortened, said = page_width.shorten_labels(grid)
    assert shortened.names == ("Model", "Features")
    assert said[0] == "1 pretraining seed of each model."


def test_no_text_is_taken_for_an_option_of_a_line_end():
    rows = [measured_row(name, 0.5, dataset_note="[subset 3 of 9]") for name in ("[a]", "*b")]
    text = latex.render_latex(build_table(rows), "Results")
    assert "{[}subset" in text
    assert "{[}a" in text
    assert "{*}b" in text
    assert not re.search(r"\\\s*[\[*]", text)
    assert latex.escape_latex("with --all, 3–5") == "with -{}-all, 3--5"


@pytest.mark.slow
@pytest.mark.parametrize("pivot", [False, True])
def test_latex_compiles(built, tmp_path, pivot):
    compilers = [name for name in ("tectonic", "pdflatex", "lualatex") if shutil.which(name)]
    if not compilers:
        pytest.skip("no LaTeX here: install tectonic, or texlive-latex-recommended")
    hostile = build_table(
        [measured_row(HOSTILE, 0.5, features=HOSTILE), measured_row("B", 0.6)], TableOptions(every_pair=True)
    )
    tables = [latex.render_latex(one, f"Results {HOSTILE}", pivot=pivot) for one in (built, hostile)]
    packages = r"\usepackage[T1]{fontenc}\usepackage{booktabs,graphicx,amssymb}"
    document = "\n".join([r"\documentclass{article}", packages, r"\begin{document}", *tables, r"\end{document}"])
    (tmp_path / "paper.tex").write_text(document, encoding="utf-8")
    options = [] if compilers[0] == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([compilers[0], *options, "paper.tex"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")
