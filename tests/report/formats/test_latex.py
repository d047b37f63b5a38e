"""LaTeX that parses back to the stored values, and compiles."""

import re
import shutil
import subprocess

import pytest

from loocbench.report.formats import latex
from loocbench.report.table.labels import format_percent
from loocbench.report.table.table import TableOptions, build_table
from tests.report.rows import HOSTILE, measured_row

_SIGNS = {"textbar": "|", "textless": "<", "textgreater": ">"}


def latex_rows(text):
    """The body rows of the first table as lists of plain text, read by pylatexenc."""
    from pylatexenc.latex2text import LatexNodes2Text

    body = text.split(r"\begin{tabular}")[1].split(r"\end{tabular}")[0].partition("\n")[2]
    body = re.sub(r"\\(toprule|midrule|bottomrule|addlinespace|cmidrule\(lr\)\{[\d-]+\})", "", body)
    body = re.sub(r"\\(?:textbf|underline)\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1", body)
    for command, text in _SIGNS.items():  # which pylatexenc does not know
        body = body.replace(f"\\{command}{{}}", text)
    rows = [row for row in re.split(r"\\\\\n", body) if row.strip()]
    plain = LatexNodes2Text()
    return [[plain.latex_to_text(cell).strip() for cell in re.split(r"(?<!\\)&", row)] for row in rows]


def test_latex_parses_back(built):
    _, heads, *rows = latex_rows(latex.render_latex(built, "x"))
    assert heads[:4] == ["Model", "Features", "Seeds", "Trained on"]
    for line in built.measured:
        (row,) = [row for row in rows if row[:2] == [line.model, line.features]]
        values = [text.split(" ")[0] for text in row[4:]]
        assert values == [format_percent(cell.value) if cell else "–" for cell in line.cells]


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
