"""Label-free signs beside the table: of each line, over seeds, in words where a space has collapsed.

Covers loocbench.report.table.signs and loocbench.report.formats.sign_rows.
"""

import io
import json
import re

import pandas as pd
import pytest
from rich.console import Console

from loocbench.report.figures import suite_figures
from loocbench.report.formats import csv_text, html_page, json_text, latex, markdown, terminal
from loocbench.report.formats.sign_rows import format_signs, sign_headings, sign_table
from loocbench.report.table.comparisons import compare_named
from loocbench.report.table.selection import Selection
from loocbench.report.table.table import TableOptions, build_table
from loocbench.types import CONSTANT, Metric
from tests.conftest import tiny_recipe
from tests.report.reading import parse_tables
from tests.report.rows import HOSTILE, measured_row


def exact(value, images):
    return Metric(value=value, low=value, high=value, n=images)


def sign_row(model, rankme=40.0, lidar=20.0, **changes):
    values = {"rankme": exact(rankme, 3000), "lidar": exact(lidar, 1000)}
    scale = {"most": {"rankme": 128, "lidar": 128}}
    return measured_row(
        model, 0.5, **{"task": "spectrum/blooms", "metrics": values, "scale": scale, "items": {}, **changes}
    )


def seeds_of(model, rankme):
    """A row of each pretraining seed."""
    return [
        sign_row(
            model,
            value,
            checkpoint=f"{model}-s{seed}",
            checkpoint_hash=f"{seed}" * 16,
            recipe=tiny_recipe("looc++", seed=seed),
        )
        for seed, value in enumerate(rankme)
    ]


def signs_of(*rows, **options):
    return build_table(rows, TableOptions(**options)).signs


def texts(signs):
    return [dict(zip(sign_headings(signs), row, strict=True)) for row in format_signs(signs)]


def test_they_stand_beside_the_table_and_not_in_it():
    built = build_table([measured_row("A", 0.5), sign_row("A"), measured_row("B", 0.4)], TableOptions(every_pair=True))
    assert [column.task for column in built.columns] == ["linear/blooms"]
    assert {test.column.task for test in built.tests} == {"linear/blooms"}
    assert [line.model for line in built.measured] == ["A", "B"]
    (line,) = texts(built.signs)
    assert (line["Model"], line["Data"], line["RankMe"]) == ("A", "Blooms, effective rank", "40.0 of 128")
    assert (line["LiDAR"], line["Images"], line[""]) == ("20.0 of 128", "3,000 / 1,000", "")


def test_without_such_rows_there_are_none():
    assert signs_of(measured_row("A", 0.5)) == ()
    assert "Label-free" not in markdown.render_markdown(build_table([measured_row("A", 0.5)]), "x")


def test_of_several_seeds_they_are_the_mean_with_an_interval_over_seeds():
    rows = seeds_of("A", rankme=(30.0, 40.0, 50.0))
    (line,) = signs_of(*rows)
    assert (line.seeds, line.signs["rankme"].cell.value) == (3, 40)
    assert line.signs["rankme"].cell.spread == pytest.approx(4.302653 * 10 / 3**0.5, rel=1e-6)  # Student's, 2 degrees
    assert texts([line])[0]["RankMe"] == "40.0 ± 24.8 of 128"
    assert texts(signs_of(*rows, spread="sd"))[0]["RankMe"] == "40.0 ± 10.0 of 128"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stated": {CONSTANT: "all test images have the same features"}, "rankme": 1.0, "lidar": 1.0},
         "collapsed: all test images have the same features"),
        ({"rankme": 1.0004, "lidar": 1.3}, "collapsed to one dimension"),
        ({"rankme": 30.0, "lidar": 1.0}, "collapsed to one dimension"),
        ({"rankme": 1.2, "lidar": 1.2}, ""),
    ],
)  # fmt: skip
def test_a_collapsed_space_is_said_to_be(changes, said):
    (line,) = signs_of(sign_row("A", **changes))
    assert line.remark == said


def test_remarks_have_a_column_only_where_there_is_one():
    headings, rows = sign_table(signs_of(sign_row("A")))
    assert (headings[-1], rows[0][-1]) == ("Images", "3,000 / 1,000")
    headings, rows = sign_table(signs_of(sign_row("A"), sign_row("B", rankme=1.0)))
    assert (headings[-1], [row[-1] for row in rows]) == ("", ["", "collapsed to one dimension"])


def test_a_space_that_collapsed_with_some_seeds_says_with_how_many():
    rows = seeds_of("A", rankme=(30.0, 1.0, 29.0))
    (line,) = signs_of(*rows)
    assert line.remark == "collapsed to one dimension (1 of 3 seeds)"


def test_filters_and_copies_of_the_data():
    rows = [sign_row("A"), sign_row("B", dataset_note="subset 9 of 3,000"), sign_row("A", features="head:color")]
    assert [line.features for line in signs_of(*rows, chosen=Selection(models=("A",)))] == ["head:color", "looc++"]
    (line,) = signs_of(*rows, chosen=Selection(models=("B",), metrics=("lidar",)))
    assert line.data == "Blooms, effective rank [subset 9 of 3,000]"
    assert sign_headings([line]) == ["Model", "Features", "Seeds", "Data", "LiDAR", "Images", ""]
    assert signs_of(*rows, measured_row("A", 0.5), chosen=Selection(metrics=("top1",))) == ()


def test_a_task_whose_card_is_gone_keeps_its_title():
    (line,) = signs_of(sign_row("A", task="spectrum/gone", title="Gone, effective rank"))
    assert line.data == "Gone, effective rank"


@pytest.mark.parametrize("others", [(), (measured_row("A", 0.5), measured_row(HOSTILE, 0.4))])
def test_every_format_shows_them_with_and_without_a_table(others):
    stated = {CONSTANT: "all test images have the same features"}
    built = build_table([*others, sign_row("A"), sign_row(HOSTILE, 1.0, 1.0, stated=stated)])
    shown = " ".join(HOSTILE.split())
    page = markdown.render_markdown(built, "x")
    lines = parse_tables(page)[-1]
    assert [(line["Model"], line["RankMe"]) for line in lines] == [("A", "40.0 of 128"), (shown, "1.0 of 128")]
    assert len(parse_tables(page)) == (2 if others else 1)
    stream = io.StringIO()
    terminal.print_table(built, Console(file=stream, width=80))
    assert all(len(line) <= 80 for line in stream.getvalue().splitlines())
    assert "40.0 of 128" in stream.getvalue().replace("\n", " ")
    assert "collapsed: all" in stream.getvalue()
    assert r"collapsed: all test images have the same features \\" in latex.render_latex(built, "x")
    assert latex.render_latex(built, "x").count(r"\begin{table}") == (2 if others else 1)
    found = json.loads(json_text.render_json(built, "x"))["signs"]
    assert (found[0]["signs"]["rankme"]["cell"]["value"], found[0]["signs"]["lidar"]["most"]) == (40, 128)
    html = html_page.render_html(built, "x")
    assert 'href="#signs"' in html
    assert '<td class="text">40.0 of 128</td>' in html
    assert "<e>" not in html


def test_csv_has_the_table_alone():
    frame = pd.read_csv(io.StringIO(csv_text.render_csv(build_table([measured_row("A", 0.5), sign_row("A")]))))
    assert not any(re.search("rank|lidar", name.removesuffix(" rank"), re.IGNORECASE) for name in frame.columns)


def test_neither_figures_nor_comparisons_take_them_for_shares():
    rows = [sign_row("A"), sign_row("B"), measured_row("A", 0.5), measured_row("B", 0.4)]
    assert {test.column.task for test in compare_named(rows, "A", "B", every_metric=True)[2]} == {"linear/blooms"}
    assert not any("rank" in name for name, _ in suite_figures.list_figures(build_table(rows), rows))


def test_with_signs_alone_no_note_is_on_per_cent():
    notes = build_table([sign_row("A"), sign_row("B")]).notes
    assert not any("per cent" in note or "Bold" in note for note in notes)
