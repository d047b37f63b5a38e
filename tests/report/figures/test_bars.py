"""Bars by feature space."""

from loocbench.report.figures import bars, saving
from loocbench.report.table.cells import Line
from loocbench.report.table.table import build_table
from tests.report import fixed_store


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


def test_of_too_many_bars_those_of_single_spaces_are_left_out_first():
    names = ["looc", *(f"head:{number}" for number in range(bars.MAX_BARS)), "selected", "looc++"]
    shown = bars.choose_lines([Line(f"model {name}", name, "", ()) for name in names])
    assert [line.features for line in shown] == ["looc", *names[1 : bars.MAX_BARS - 1], "looc++"]
