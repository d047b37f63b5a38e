"""How metrics and figures are written."""

import pytest

from loocbench.report.table.labels import format_label, format_metric, format_percent, format_time, natural_key


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("top1", "top-1"),
        ("clean_top1", "clean top-1"),
        ("species_and_color_recall10", "species and colour recall@10"),
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


def test_words_that_people_read_are_those_of_the_documentation():
    assert format_metric("color_recall1") == "colour recall@1"
    assert format_metric("rotation_kept") == "orientation kept"
    assert format_metric("rotation_invariance") == "rotation invariance"  # of the change of the image
    assert (format_label("color"), format_label("species")) == ("colour", "species")


def test_names_are_sorted_as_people_count():
    names = ["v10", "v2", "v1", "v2.10", "v2.9", "b"]
    assert sorted(names, key=natural_key) == ["b", "v1", "v2", "v2.9", "v2.10", "v10"]


def test_a_name_may_hold_a_number_of_any_length():
    longer, shorter = "v" + 6000 * "9", "v0" + 5999 * "9"
    assert sorted([longer, shorter, "v7"], key=natural_key) == ["v7", shorter, longer]


def test_times_are_to_the_minute_in_utc():
    assert format_time("2026-01-31T13:05:59.123456+01:00") == "2026-01-31 12:05 UTC"
    assert format_time("yesterday") == "yesterday"
