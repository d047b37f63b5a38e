"""Every format parses back to the stored values, looks as its golden file, and survives hostile names."""

import io
import json
import re
import shutil
import subprocess

import pandas as pd
import pytest

from loocbench.report.formats import csv_text, json_text, latex, markdown
from loocbench.report.table.labels import format_metric, format_percent
from loocbench.report.table.table import TableOptions, build_table
from tests.report import renew
from tests.report.table.test_table import measured, parse

HOSTILE = r"a|b `c` *d* <e> _f_ \g $h$ {i} #j ~k ^l %m & n [o](p) 日本 é" + "\nnext"


@pytest.fixture(scope="module")
def built():
    return renew.built()


@pytest.mark.parametrize("name", renew.FORMATS)
def test_a_fixed_store_looks_as_it_always_did(built, name):
    """A deliberate change: python -m tests.report.renew"""
    assert renew.FORMATS[name](built) == (renew.GOLDEN / name).read_text(encoding="utf-8")


def figures(built):
    """(model, features, column) -> value, of every measured cell."""
    return {
        (line.model, line.features, column.heading): cell
        for line in built.measured
        for column, cell in zip(built.columns, line.cells, strict=True)
        if cell
    }


def test_markdown_parses_back(built):
    lines = parse(markdown.render_markdown(built, "x"))[0]
    for (model, features, heading), cell in figures(built).items():
        (line,) = [one for one in lines if (one["Model"], one["Features"]) == (model, features)]
        text = re.sub(r"</?\w+>", "", line[heading])
        assert text.startswith(format_percent(cell.value))
        assert ("<b>" in line[heading]) == (cell.rank == "best")
        assert ("<ins>" in line[heading]) == (cell.rank == "second")


def test_csv_parses_back_exactly(built):
    frame = pd.read_csv(io.StringIO(csv_text.render_csv(built)))
    ours = frame[frame.kind == "measured"].set_index(["model", "features"])
    for (model, features, heading), cell in figures(built).items():
        assert ours.loc[(model, features), heading] == cell.value
        assert ours.loc[(model, features), f"{heading} ±"] == pytest.approx(cell.spread)
    assert set(frame.kind) == {"measured", "scale", "published"}
    theirs = frame[frame.kind == "published"].set_index("model")
    assert theirs.loc["MoCo (published)", "CUB-200, SGD, top-1 (v1)"] == 0.367


@pytest.mark.parametrize("pivot", [False, True])
def test_csv_has_every_published_figure_and_none_below_a_subsets_head(pivot):
    common = {"task": "linear/cub200-sgd", "dataset": "cub200", "features": "looc", "method": "moco"}
    rows = [
        measured("MoCo", 0.4, **common),
        measured("MoCo", 0.5, dataset_note="subset 9", checkpoint="b", checkpoint_hash="b" * 64, **common),
    ]
    title = "CUB-200, SGD, top-1 (v1)"
    for chosen, here in ((rows, 0.4 - 0.367), (rows[1:], None)):
        frame = pd.read_csv(io.StringIO(csv_text.render_csv(build_table(chosen), pivot=pivot)))
        theirs = frame[frame.kind == "published"]
        if pivot:
            (line,) = theirs.to_dict("records")
            found = {name: value for name, value in line.items() if value == value}
            assert found["MoCo (published)"] == 0.367
            assert found["LooC++ (color, rotation) (published)"] == 0.393
            assert found.get("MoCo (published) here") == (here and pytest.approx(here))
        else:
            line = theirs.set_index("model").loc["MoCo (published)"]
            assert line[title] == 0.367
            assert line.get(f"{title} here") == (here and pytest.approx(here))
            assert theirs.filter(like="[subset 9]").isna().all(axis=None)


def test_published_figures_stand_once_beside_a_subset():
    common = {"task": "linear/cub200-sgd", "dataset": "cub200", "features": "looc", "method": "moco"}
    rows = [measured("MoCo", 0.4, **common), measured("MoCo", 0.5, dataset_note="subset 9", **common)]
    _, theirs = parse(markdown.render_markdown(build_table(rows), "x"))
    assert list(theirs[0]) == ["Model", "Source", "CUB-200, SGD, top-1 (v1)"]
    assert {line["Model"]: line["CUB-200, SGD, top-1 (v1)"] for line in theirs}["MoCo (published)"] == (
        "36.7 (here +3.3)"
    )


def test_a_cell_of_fewer_seeds_than_its_line_says_so():
    seeds = [{"seed": seed, "checkpoint": f"a{seed}", "checkpoint_hash": f"{seed}" * 64} for seed in range(3)]
    rows = [measured("A", 0.5, **seed) for seed in seeds]
    rows += [measured("A", 0.6, task="rotation/cub200", dataset="cub200", **seed) for seed in seeds[:1]]
    ((line,),) = parse(markdown.render_markdown(build_table(rows), "x"))
    assert [value.endswith(" (1 seed)") for name, value in line.items() if "top-1" in name] == [False, True]


def test_json_parses_back_exactly(built):
    found = json.loads(json_text.render_json(built, "x"))
    for line, wanted in zip(found["measured"], built.measured, strict=True):
        assert [cell and cell["value"] for cell in line["cells"]] == [cell and cell.value for cell in wanted.cells]
    assert len(found["tests"]) == len(built.tests)


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
    assert heads[:3] == ["Model", "Features", "Trained on"]
    for line in built.measured:
        (row,) = [row for row in rows if row[:2] == [line.model, line.features]]
        values = [text.split(" ")[0] for text in row[3:]]
        assert values == [format_percent(cell.value) if cell else "–" for cell in line.cells]


@pytest.mark.slow
@pytest.mark.parametrize("pivot", [False, True])
def test_latex_compiles(built, tmp_path, pivot):
    compilers = [name for name in ("tectonic", "pdflatex", "lualatex") if shutil.which(name)]
    if not compilers:
        pytest.skip("no LaTeX here: install tectonic, or texlive-latex-recommended")
    hostile = build_table([measured(HOSTILE, 0.5, features=HOSTILE), measured("B", 0.6)], TableOptions(every_pair=True))
    tables = [latex.render_latex(one, f"Results {HOSTILE}", pivot=pivot) for one in (built, hostile)]
    packages = r"\usepackage[T1]{fontenc}\usepackage{booktabs,graphicx,amssymb}"
    document = "\n".join([r"\documentclass{article}", packages, r"\begin{document}", *tables, r"\end{document}"])
    (tmp_path / "paper.tex").write_text(document, encoding="utf-8")
    options = [] if compilers[0] == "tectonic" else ["-interaction=nonstopmode", "-halt-on-error"]
    done = subprocess.run([compilers[0], *options, "paper.tex"], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")


def test_hostile_names_are_text_in_every_format():
    one = build_table([measured(HOSTILE, 0.5, features=HOSTILE), measured("B", 0.6)])
    shown = " ".join(HOSTILE.split())
    (lines,) = parse(markdown.render_markdown(one, HOSTILE))
    assert {line["Model"] for line in lines} == {shown, "B"}
    assert r"\$h\$" in markdown.render_markdown(one, HOSTILE)  # no mathematics
    frame = pd.read_csv(io.StringIO(csv_text.render_csv(one)))
    assert shown in set(frame.model)
    assert json.loads(json_text.render_json(one, HOSTILE))["measured"][0]["model"] in (HOSTILE, "B")
    rows = latex_rows(latex.render_latex(one, HOSTILE))
    (row,) = [row for row in rows if row[0].startswith("a|b")]
    assert "*d* <e> _f_" in row[0]
    assert r"\texttt{U+65E5}" in latex.render_latex(one, HOSTILE)  # a letter that LaTeX's usual fonts lack


def test_a_spreadsheet_takes_no_name_for_a_formula():
    one = build_table([measured('=HYPERLINK("x")', 0.5), measured("B", 0.6)])
    frame = pd.read_csv(io.StringIO(csv_text.render_csv(one)))
    assert '\'=HYPERLINK("x")' in set(frame.model)


def test_pivoted_tasks_are_rows_with_the_same_figures(built):
    lines = parse(markdown.render_markdown(built, "x", pivot=True))[0]
    assert [line["Task"] for line in lines] == [column.short for column in built.columns]
    for line, column in zip(lines, range(len(built.columns)), strict=True):
        for one in built.measured:
            cell = one.cells[column]
            (text,) = [value for name, value in line.items() if name == f"{one.model}, {one.features}"]
            assert re.sub(r"</?\w+>", "", text).split(" ")[0] == (format_percent(cell.value) if cell else "–")


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_terminal_is_never_wider_than_it_is(built, width):
    shown = renew.on_a_terminal(built, width)
    assert max(map(len, shown.splitlines())) <= width
    for cell in figures(built).values():
        assert format_percent(cell.value) in shown


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("top1", "top-1"),
        ("clean_top1", "clean top-1"),
        ("species_and_color_recall10", "species and color recall@10"),
        ("class_map_at_r", "class mAP@R"),
        ("class_map", "class mAP"),
        ("class_r_precision", "class R-precision"),
        ("mean_per_class", "mean per class"),
        ("hue_kept", "hue kept"),
    ],
)
def test_metrics_are_written_as_people_write_them(name, written):
    assert format_metric(name) == written


def test_no_figure_is_minus_nothing():
    assert (format_percent(-0.0001), format_percent(-0.0001, signed=True), format_percent(-0.25)) == (
        "0.0",
        "+0.0",
        "−25.0",
    )
