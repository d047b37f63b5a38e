"""How metrics and figures are written."""

import pytest

from loocbench.report.table.labels import format_metric, format_percent


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
