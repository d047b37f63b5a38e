"""Curves as a picture: intervals, ticks at what was measured, chance, and what is not drawn."""

import pytest

from loocbench.report.figures import line_plots, saving
from loocbench.report.table.panels import Panel, Series


def draw(monkeypatch, tmp_path, panel):
    kept = []
    monkeypatch.setattr(saving, "save_figure", lambda figure, path, **_: kept.append(figure))
    line_plots.draw_line_plots([panel], tmp_path / "x.png")
    return kept[0].axes[0]


def panel(*series, x="rotation, degrees", **more):
    return Panel("Flowers", "own copies", x, "own copy nearer", False, series, **more)


def test_turns_have_ticks_at_quarter_turns(monkeypatch, tmp_path):
    turns = Series("A", tuple((angle, 0.6, 0.6, 0.6) for angle in (90.0, 180.0, 270.0)))
    axis = draw(monkeypatch, tmp_path, panel(turns))
    assert [text.get_text() for text in axis.get_xticklabels()] == ["90", "180", "270"]


def test_an_interval_is_drawn_where_it_is_known(monkeypatch, tmp_path):
    known = Series("A", ((30.0, 0.6, 0.5, 0.65), (60.0, 0.7, 0.6, 0.8)))
    axis = draw(monkeypatch, tmp_path, panel(known, Series("B", ((30.0, 0.2, 0.2, 0.2), (60.0, 0.3, 0.3, 0.3)))))
    (bars,) = axis.collections
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [
        pytest.approx([50, 65]),
        pytest.approx([60, 80]),
    ]


def test_chance_is_named_and_lies_within_the_axis(monkeypatch, tmp_path):
    axis = draw(monkeypatch, tmp_path, panel(Series("A", ((1.0, 0.9, 0.9, 0.9), (2.0, 0.95, 0.9, 1.0))), chance=0.5))
    assert [text.get_text() for text in axis.texts] == ["chance"]
    low, high = axis.get_ylim()
    assert 40 < low < 50  # where the data are, not 0
    assert high > 100


def test_lines_that_are_not_drawn_are_counted(monkeypatch, tmp_path):
    one = Series("A", ((1.0, 0.9, 0.9, 0.9), (2.0, 0.95, 0.9, 1.0)))
    said = draw(monkeypatch, tmp_path, panel(one, left_out=2)).get_title(loc="left")
    assert "2 more not drawn" in " ".join(said.split())


def test_labels_of_ticks_do_not_touch():
    assert line_plots.label_ticks([0, 1, 2, 5, 10, 20, 40], logarithmic=False) == ["0", "", "", "5", "10", "20", "40"]
    assert line_plots.label_ticks([1, 2, 5, 10, 100], logarithmic=True) == ["1", "2", "5", "10", "100"]
    assert line_plots.label_ticks([0, 90, 180, 270], logarithmic=False) == ["0", "90", "180", "270"]
    assert line_plots.label_ticks([0, 39, 40], logarithmic=False) == ["0", "", "40"]
    assert line_plots.label_ticks([5], logarithmic=False) == ["5"]
