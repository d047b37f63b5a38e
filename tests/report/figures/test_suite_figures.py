"""The figures of a report, in three formats, the same each time.

Covers loocbench.report.figures.suite_figures, loocbench.report.figures.line_plots, loocbench.report.figures.heat_map,
loocbench.report.figures.training_curves and loocbench.jobs.figures.
"""

import re
from functools import partial

import numpy as np
import pytest
from PIL import Image

from loocbench.report.figures import suite_figures
from loocbench.report.figures.saving import FORMATS
from tests.cli.conftest import QUICKER, run_command
from tests.report import fixed_store

pytestmark = [pytest.mark.xdist_group("suite figures"), pytest.mark.usefixtures("draft_pictures")]
FEW = ("--model", "LooC*", "--model", "MoCo", "--task", "*cub200*", "--task", "*flowers*", "--task", "sens*")


def draw(results, figures):
    fixed_store.write(results)
    said = run_command("report", "--suite", fixed_store.SUITE, "--results", results, *FEW, "--figures", figures)
    assert said.code == 0, said.err
    return figures


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, draft_pictures):
    """The folder of the fixed store's figures, which no test changes."""
    folder = tmp_path_factory.mktemp("drawn")
    return draw(folder / "results", folder / "figures")


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
def test_the_same_rows_give_the_same_files(drawn, tmp_path, monkeypatch):
    """One figure of each kind, in every format."""
    kinds = {"curves", "few-shot", "sensitivity", "spaces", "profile"}
    every = suite_figures.list_figures

    def list_one_of_each(table, rows):
        yield from {next(kind for kind in kinds if one[0].startswith(kind)): one for one in every(table, rows)}.values()

    monkeypatch.setattr(suite_figures, "list_figures", list_one_of_each)
    again = draw(tmp_path / "results", tmp_path / "again")
    assert len(list(again.iterdir())) == len(kinds) * len(FORMATS)
    for path in again.iterdir():
        assert path.read_bytes() == (drawn / path.name).read_bytes(), path.name


@pytest.mark.usefixtures("only_tiny_blooms")
def test_training_curves_of_runs_that_are_here(loocbench, tmp_path):
    assert loocbench("pretrain", "--method", "moco", *QUICKER).code == 0
    assert loocbench("knn").code == 0
    said = loocbench("report", "--figures", tmp_path / "figures")
    assert re.search(r"written: \S*training-moco-blooms-s0\.svg", said.out)
