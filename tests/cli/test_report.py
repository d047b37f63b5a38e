"""``report``: filters, sorting, pivot, formats, tests, and what it says of bad input.

Covers loocbench.cli.report, loocbench.jobs.report and loocbench.report.table.sorting.

Covers ``loocbench.jobs.figures`` and ``loocbench.jobs.html_report``.
"""

import errno
import json
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from loocbench import files
from loocbench.records import store
from loocbench.report.formats.rendering import Format
from loocbench.types import Row
from tests.records.rows import dump_fields, make_path, make_row
from tests.report import fixed_store


@pytest.fixture
def report(loocbench, tmp_path):
    """Call ``report`` on the fixed store."""
    fixed_store.write(tmp_path / "results")
    return lambda *arguments: loocbench("report", "--suite", fixed_store.SUITE, *arguments)


def table(said):
    assert said.code == 0, said.err
    return json.loads(said.out)


def names(found):
    return [(line["model"], line["features"]) for line in found["measured"]]


def test_filters_leave_what_fits(report):
    assert names(table(report("--model", "looc++*", "--json"))) == [
        ("LooC++ (color, rotation)", "head:color"),
        ("LooC++ (color, rotation)", "looc++"),
    ]
    assert names(table(report("--features", "head:color", "--json"))) == [("LooC++ (color, rotation)", "head:color")]
    assert {one["task"] for one in table(report("--dataset", "cub200", "--json"))["columns"]} == {
        "linear/cub200-sgd",
        "retrieval/cub200",
    }
    assert {one["task"] for one in table(report("--task", "few-shot/*", "--json"))["columns"]} == {
        "few-shot/flowers102-10-path",
        "few-shot/flowers102-5-path",
    }
    assert names(table(report("--backbone", "resnet50", "--json"))) == [("ResNet-50 50% | <off>", "looc")]
    metrics = {one["metric"] for one in table(report("--metric", "*equivariance", "--json"))["columns"]}
    assert len(metrics) > 3
    assert all(name.endswith("equivariance") for name in metrics)


def test_sorting_by_a_column_the_best_first(report):
    for more, sign in ((), 1), (("--reverse",), -1):
        found = table(report("--sort", "linear/cub200-sgd", *more, "--json"))
        (place,) = (number for number, one in enumerate(found["columns"]) if one["task"] == "linear/cub200-sgd")
        values = [line["cells"][place]["value"] for line in found["measured"]]
        assert values == sorted(values, reverse=sign == 1)


def test_the_tests_against_one_line(report):
    found = table(report("--against", "MoCo", "--task", "linear/*", "--json"))
    assert {test["second"]["model"] for test in found["tests"]} == {"MoCo"}
    assert all(test["p_adjusted"] >= test["result"]["p"] for test in found["tests"])
    for test in found["tests"]:
        marks = {"": False, "↑": True, "↓": True}
        first = (test["first"]["model"], test["first"]["features"])
        (line,) = [one for one in found["measured"] if (one["model"], one["features"]) == first]
        place = [one["task"] for one in found["columns"]].index(test["task"])
        assert marks[line["cells"][place]["marker"]] == test["significant"]
    assert len(table(report("--every-pair", "--task", "linear/cub200-sgd", "--json"))["tests"]) == 5 * 4 / 2


def test_the_format_follows_from_the_name(report, tmp_path):
    for name, begins in (("t.md", "# Results"), ("t.tex", "% needs"), ("t.csv", "kind,model"), ("t.html", "<!doctype")):
        said = report("--output", tmp_path / name)
        assert f"written: {tmp_path / name}" in said.out
        assert (tmp_path / name).read_text().startswith(begins)
    assert report("--format", "latex").out.startswith("% needs")


@pytest.mark.parametrize("more", [(), ("--spread", "sd"), *(("--format", kind) for kind in get_args(Format))])
def test_without_an_output_it_is_printed_and_no_file_changes(report, tmp_path, more):
    folder = tmp_path / "results" / fixed_store.SUITE
    (folder / "table.md").write_text("committed")
    (folder / "rows.csv").write_text("committed")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    said = report(*more)
    assert said.code == 0, said.err
    assert "LooC++ (color, rotation)" in said.out
    assert "written" not in said.out
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_folder_gets_the_table_and_every_figure(report, tmp_path):
    folder = tmp_path / "results" / fixed_store.SUITE
    said = report("--output", folder)
    assert f"written: {folder / 'table.md'}" in said.out
    assert (folder / "table.md").read_text().startswith("# Results: fixed")
    every = pd.read_csv(folder / "rows.csv")
    stored = [row for row in fixed_store.rows() if isinstance(row, Row)]
    assert len(every) == sum(len(row.metrics) for row in stored)


def test_a_store_that_may_only_be_read_is_printed(report, monkeypatch):
    def refuse(path, *_):
        raise files.write_error(path, OSError(errno.EROFS, "read-only"))

    monkeypatch.setattr(files, "write_text", refuse)
    said = report()
    assert (said.code, said.err) == (0, "")
    assert "LooC++ (color, rotation) looc++" in said.out


def test_rows_csv_holds_no_formula(loocbench, tmp_path):
    kept = make_row(model='=HYPERLINK("x")', hardware="@SUM(1)", checkpoint="-1+1")
    store.write_row(make_path(tmp_path / "results", "local", kept), kept)
    assert loocbench("report", "--output", tmp_path / "results" / "local").code == 0
    (line,) = pd.read_csv(tmp_path / "results" / "local" / "rows.csv").to_dict("records")
    assert (line["model"], line["hardware"], line["checkpoint"]) == ('\'=HYPERLINK("x")', "'@SUM(1)", "'-1+1")
    assert line["value"] == 0.5


def test_people_see_a_column_for_each_question_and_programs_all(report):
    few, every = (report("--format", "markdown", *more).out for more in ((), ("--all",)))
    assert "A column for each question; 3 more columns with --all." in few
    assert ("10-shot" in few, "10-shot" in every) == (False, True)
    assert "10-shot" in report("--task", "few-shot/*", "--format", "markdown").out
    assert "10-shot" in report("--format", "csv").out
    assert len(table(report("--json"))["columns"]) == 7


def test_lines_that_would_look_the_same_say_what_sets_them_apart(loocbench, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for epochs in (3, 9):
        kept = make_row(checkpoint=f"run-{epochs}", epochs=epochs, model="MoCo", features="looc")
        store.write_row(make_path(tmp_path / "results", "local", kept), kept)
    for kind in ("terminal", "latex", "html"):
        said = loocbench("report", "--format", kind).out
        assert "3 epochs" in said
        assert "9 epochs" in said
    assert "MoCo looc [3 epochs]" in loocbench("report").out


def test_the_headline_of_a_suite_takes_two_tables_at_80_columns(loocbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    results = Path(__file__).parents[2] / "results"
    said = loocbench("report", "--suite", "blooms", "--results", results)
    assert said.out.count("┏") == 2
    assert max(map(len, said.out.splitlines())) <= 80


def test_a_part_of_the_rows_says_so(report):
    said = report("--model", "MoCo", "--task", "linear/*")
    assert "Filtered: models MoCo; tasks linear/*." in said.out


def test_spread_is_the_interval_or_the_standard_deviation(report):
    cells = [table(report("--spread", kind, "--json"))["measured"][1]["cells"][1] for kind in ("interval", "sd")]
    assert cells[0]["spread"] == pytest.approx((cells[0]["high"] - cells[0]["low"]) / 2)
    assert cells[1]["spread"] == cells[0]["sd"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "LooD"], "unknown model in these results 'LooD'"),
        (["--task", "linear/cub"], "Did you mean 'linear/cub200-sgd'"),
        (["--metric", "top2"], "Did you mean 'top1'"),
        (["--sort", "linear/cub200"], "Did you mean 'linear/cub200-sgd'"),
        (["--against", "MoCa"], "no line 'MoCa'"),
        (["--against", "LooC++ (color, rotation)"], "fits 2 lines; say which"),
        (["--against", "MoCo", "--every-pair"], "choose one of them"),
        (["--against", "MoCo", "--model", "MoCo"], "no other line to test against 'MoCo'"),
        (["--format", "word"], "unknown format 'word'"),
        (["--output", "table.docx"], "cannot tell the format"),
        (["--output", "results", "--model", "MoCo"], "for a part of them name a file"),
        (["--output", "results", "--format", "csv"], "results is a folder"),
        (["--spread", "se"], "unknown spread 'se'"),
        (["--format", "site"], "name one with --output FOLDER"),
        (["--format", "site", "--output", "results"], "results holds 'fixed', which is not of a site"),
        (["--format", "site", "--output", "new", "--pivot"], "leave out --pivot"),
        (["--results", "results", "--results", "nowhere"], "no measured rows in nowhere"),
        (["--suite", "fixd"], "There are rows of fixed"),
        (["--results", "results/fixed"], "results/fixed is a suite itself: --results results --suite fixed."),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(one_line, tmp_path, arguments, message):
    fixed_store.write(tmp_path / "results")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    suite = [] if "--suite" in arguments else ["--suite", fixed_store.SUITE]
    assert message in one_line("report", *suite, *arguments)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before


def test_several_stores_are_one_table_in_every_format(loocbench, tmp_path):
    for number, name in enumerate(("one", "other")):
        for row in fixed_store.rows():
            if row.seed != number:  # seed 2 is in both
                path = make_path(tmp_path / name, fixed_store.SUITE, row)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(dump_fields(row.model_dump(mode="json")))
    fixed_store.write(tmp_path / "results")
    ask = ("report", "--suite", fixed_store.SUITE, "--format")
    for kind in ("csv", "html"):
        together = loocbench(*ask, kind, "--results", "one", "--results", "other")
        assert together.code == 0, together.err
        assert together.out == loocbench(*ask, kind).out


def test_a_torn_file_is_named_and_the_rest_shown(report, tmp_path):
    torn = tmp_path / "results" / fixed_store.SUITE / "moco-s0" / "torn.json"
    torn.parent.mkdir(exist_ok=True)
    torn.write_text("{")
    said = report()
    assert said.code == 0
    assert f"skipped {torn.relative_to(tmp_path)}: it is truncated" in said.err
    assert torn.exists()
