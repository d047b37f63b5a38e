"""Profiles as a picture: every figure of the table is drawn, and what lies below the untrained network is open."""

import pytest

from loocbench.report.figures import profile, saving, suite_figures
from loocbench.report.table.cells import Cell
from loocbench.report.table.profiles import Answer, Profile, Question
from loocbench.report.table.table import build_table
from tests.report.table.test_profiles import rows

QUESTIONS = [Question("species", 0), Question("color", 1)]


def draw(monkeypatch, tmp_path, found, questions=QUESTIONS):
    kept = []
    monkeypatch.setattr(saving, "save_figure", lambda figure, path, **_: kept.append(figure))
    profile.draw_profiles(questions, found, "title", tmp_path / "x.png")
    return kept[0]


def test_dots_bands_and_numbers_are_the_answers(monkeypatch, tmp_path):
    answers = (Answer(Cell(0.6, 0.5, 0.7), 0.2, 0.8), Answer(Cell(0.3, 0.25, 0.35), 0.5, 0.9))
    axis = draw(monkeypatch, tmp_path, [Profile("MoCo", answers)]).axes[0]
    dots = {
        (round(float(line.get_xdata()[0]), 6), line.get_markerfacecolor())
        for line in axis.lines
        if line.get_marker() == "o"
    }
    assert dots == {(60.0, "black"), (30.0, "white")}
    assert [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axis.patches] == [
        pytest.approx((20, 80)),
        pytest.approx((50, 90)),
    ]
    assert [text.get_text() for text in axis.texts] == ["60.0", "30.0"]


def test_what_is_left_out_is_said(monkeypatch, tmp_path):
    many = [Profile(f"model {n}", (Answer(Cell(0.5), None, 0.8), Answer(None, None, 0.8))) for n in range(14)]
    figure = draw(monkeypatch, tmp_path, many)
    assert "(2 more not drawn)" in figure.get_suptitle()
    assert sum(axis.get_visible() for axis in figure.axes) == profile.MAX_PANELS


def test_it_is_drawn_first_of_a_suites_figures(tmp_path):
    found = rows()
    (name, drawing), *_ = suite_figures.list_figures(build_table(found), found)
    assert name == "profile"
    drawing([tmp_path / "profile.png", tmp_path / "profile.svg"])
    assert (tmp_path / "profile.png").stat().st_size > 5_000


def test_a_dot_at_the_end_of_the_axis_is_whole(monkeypatch, tmp_path):
    axis = draw(monkeypatch, tmp_path, [Profile("A", (Answer(Cell(1.0), 0.2, 1.0), Answer(Cell(0.3), 0.1, 0.8)))]).axes[
        0
    ]
    assert not any(line.get_clip_on() for line in axis.lines if line.get_marker() == "o")
