"""Bars by feature space."""

import pytest

from loocbench.report.figures import bars, saving
from loocbench.report.table.cells import Line
from loocbench.report.table.table import build_table
from loocbench.types import Metric
from tests.report import fixed_store
from tests.report.rows import measured_row


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


def test_an_intervals_ends_are_drawn_where_they_are(monkeypatch, tmp_path):
    """Wilson's interval of 3 in 12 is no figure plus and minus half its width."""
    kept = []
    monkeypatch.setattr(saving, "save_figure", lambda figure, path, **_: kept.append(figure))
    metric = Metric(value=0.25, low=0.089, high=0.532, n=12)
    row = measured_row("A", 0.25).model_copy(update={"metrics": {"top1": metric}})
    built = build_table([row])
    bars.draw_bars(built.columns, built.measured, "title", tmp_path / "x.png")
    (drawn,) = kept[0].axes[0].collections[0].get_segments()
    assert drawn[:, 1].tolist() == pytest.approx([8.9, 53.2])


def test_of_too_many_bars_those_of_single_spaces_are_left_out_first():
    names = ["looc", *(f"head:{number}" for number in range(bars.MAX_BARS)), "selected", "looc++"]
    shown = bars.choose_lines([Line(f"model {name}", name, "", ()) for name in names])
    assert [line.features for line in shown] == ["looc", *names[1 : bars.MAX_BARS - 2], "selected", "looc++"]


def draw(monkeypatch, tmp_path, rows):
    kept = []
    monkeypatch.setattr(saving, "save_figure", lambda figure, path, **_: kept.append(figure))
    built = build_table(rows)
    bars.draw_bars(built.columns, built.measured, "title", tmp_path / "x.png")
    return kept[0].axes[0]


@pytest.mark.parametrize(("value", "low", "high"), [(0.9, 0.78, 1.03), (-0.1, -0.2, 0.1), (0.2, 0.1, 0.3)])
def test_no_interval_leaves_the_axis_which_ends_where_the_data_do(monkeypatch, tmp_path, value, low, high):
    metric = Metric(value=value, low=low, high=high, n=12)
    axis = draw(monkeypatch, tmp_path, [measured_row("A", 0.5).model_copy(update={"metrics": {"top1": metric}})])
    bottom, top = axis.get_ylim()
    assert bottom == 0 if low >= 0 else bottom < 100 * low
    assert 100 * high < top < 100 * high + 4


def test_the_legend_shows_each_line_as_its_bars_are(monkeypatch, tmp_path):
    """Also where its last rows of groups lack a line."""
    from matplotlib.container import BarContainer

    kept = []
    monkeypatch.setattr(saving, "save_figure", lambda figure, path, **_: kept.append(figure))
    monkeypatch.setattr(bars, "_WIDEST", 1.0)  # a group in each row
    tasks = ("linear/blooms", "rotation/blooms")
    built = build_table([measured_row("A", 0.5, task=task) for task in tasks] + [measured_row("B", 0.4)])
    bars.draw_bars(built.columns, built.measured, "title", tmp_path / "x.png")
    assert len(kept[0].axes) == 2
    found = [one for axis in kept[0].axes for one in axis.containers if isinstance(one, BarContainer)]
    drawn = {one.get_label(): one[0].get_hatch() for one in found}
    (legend,) = kept[0].legends
    shown = {text.get_text(): patch.get_hatch() for text, patch in zip(legend.texts, legend.get_patches(), strict=True)}
    assert shown == drawn
