"""The figures: every kind in three formats, the same each time, and readable without colour."""

import itertools
import re
from functools import partial

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from loocbench.errors import UserError
from loocbench.report.figures import bars, saving, styles, suite_figures
from loocbench.report.figures.saving import FORMATS
from loocbench.report.table.cells import Line
from loocbench.report.table.table import build_table
from tests.cli.conftest import QUICK
from tests.report import fixed_store

FEW = ("--model", "LooC*", "--model", "MoCo", "--task", "*cub200*", "--task", "*flowers*", "--task", "sens*")


@pytest.fixture
def drawn(loocbench, tmp_path):
    fixed_store.write(tmp_path / "results")
    said = loocbench("report", "--suite", fixed_store.SUITE, *FEW, "--figures", tmp_path / "figures")
    assert said.code == 0, said.err
    return tmp_path / "figures"


def test_every_kind_of_figure_in_every_format(drawn):
    names = {path.stem for path in drawn.iterdir()}
    for kind in ("spaces-cub-200", "sensitivity-blooms", "few-shot-flowers-102", "curves-cub-200-sgd"):
        assert any(name.startswith(kind) for name in names), (kind, names)
    assert {(path.stem, path.suffix) for path in drawn.iterdir()} == {
        (name, f".{kind}") for name in names for kind in FORMATS
    }
    for name in names:
        assert (drawn / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert np.asarray(Image.open(drawn / f"{name}.png").convert("L")).std() > 10
        assert "<image" not in (drawn / f"{name}.svg").read_text() or name.startswith("sensitivity")
    assert any(name.startswith("spaces-flowers-102-subset-300") for name in names)  # a subset is named


def test_figures_of_one_name_do_not_replace_one_another():
    """Two models may differ in no letter that a file's name keeps."""
    written = []
    drawings = [
        (suite_figures.slugify(name), partial(written.append, name)) for name in ("モデル", "A (b)", "a-B", "a b", "…")
    ]
    numbered = dict(suite_figures.number_duplicates(drawings))
    assert list(numbered) == ["モデル", "a-b", "a-b-2", "a-b-3", "unnamed"]
    for draw in numbered.values():
        draw()
    assert written == ["モデル", "A (b)", "a-B", "a b", "…"]


@pytest.mark.slow
def test_the_same_rows_give_the_same_files(drawn, loocbench, tmp_path):
    loocbench("report", "--suite", fixed_store.SUITE, *FEW, "--figures", tmp_path / "again")
    for path in drawn.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_bars_hold_the_tables_figures(monkeypatch, tmp_path):
    from matplotlib.figure import Figure

    from loocbench.report.figures import bars

    built = build_table(fixed_store.rows())
    kept = []
    monkeypatch.setattr(saving, "save_figure", lambda figure, path, **_: kept.append(figure))
    bars.draw_bars(built.columns, built.measured, "title", tmp_path / "x.png")
    (figure,) = kept
    assert isinstance(figure, Figure)
    heights = {round(bar.get_height(), 6) for bar in figure.axes[0].patches}
    assert heights == {round(100 * cell.value, 6) for line in built.measured for cell in line.cells if cell}


def test_no_two_lines_or_bars_look_alike_without_colour():
    lines = [styles.line_style(number) for number in range(20)]
    assert len({(one["marker"], one["linestyle"]) for one in lines}) == 20
    assert len({styles.bar_style(number)["hatch"] for number in range(10)}) == 10
    greys = [np.dot(mpl.colors.to_rgb(color), (0.299, 0.587, 0.114)) for color in styles.COLORS]
    assert all(abs(one - other) > 0.1 for one, other in itertools.pairwise(greys))


@pytest.mark.usefixtures("only_tiny_blooms")
def test_training_curves_of_runs_that_are_here(loocbench, tmp_path):
    assert loocbench("pretrain", "--method", "moco", *QUICK).code == 0
    assert loocbench("knn").code == 0
    said = loocbench("report", "--figures", tmp_path / "figures")
    assert re.search(r"written: \S*training-moco-blooms-s0\.svg", said.out)


def test_an_ending_that_is_no_picture(tmp_path):
    from matplotlib.figure import Figure

    with pytest.raises(UserError, match=r"ends in \.svg, \.pdf, \.png"):
        saving.save_figure(Figure(), tmp_path / "x.jpg")
    assert not list(tmp_path.iterdir())


def test_of_too_many_bars_those_of_single_spaces_are_left_out_first():
    names = ["looc", *(f"head:{number}" for number in range(bars.MAX_BARS)), "selected", "looc++"]
    shown = bars.choose_lines([Line(f"model {name}", name, "", ()) for name in names])
    assert [line.features for line in shown] == ["looc", *names[1 : bars.MAX_BARS - 1], "looc++"]
