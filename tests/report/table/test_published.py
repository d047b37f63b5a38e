"""Published figures: apart from measured ones, and compared only where that is fair.

Covers ``loocbench.report.table.published``.
"""

import pytest

from loocbench.report.formats import markdown
from loocbench.report.table.table import build_table
from tests.report.reading import parse_tables
from tests.report.rows import measured_row


def test_published_figures_stand_apart_marked_and_are_never_best():
    built = build_table(
        [measured_row("A", 0.1, task="linear/cub200", dataset="cub200"), measured_row("B", 0.2, task="linear/cub200")]
    )
    page = markdown.render_markdown(built, "Results")
    ours, theirs = parse_tables(page)
    assert [line["Model"] for line in ours] == ["A", "B"]
    assert {line["Model"]: line["CUB-200, top-1 (v1)"] for line in theirs}[
        "LooC++ (color, rotation) (published)"
    ] == "39.3"
    assert not any("<" in value for line in theirs for value in line.values())
    assert "not measured here" in page


def test_published_figures_have_only_the_columns_that_were_published():
    rows = [
        measured_row("A", 0.1, task="linear/cub200", dataset="cub200"),
        measured_row("A", 0.1, task="rotation/cub200"),
    ]
    _, theirs = parse_tables(markdown.render_markdown(build_table(rows), "Results"))
    assert list(theirs[0]) == ["Model", "Source", "CUB-200, top-1 (v1)"]


def published_difference(model="LooC++ (color, rotation)", **changes):
    kept = measured_row(
        model,
        0.4,
        **{"task": "linear/cub200-sgd", "dataset": "cub200", "features": "looc++", **changes},
    )
    lines = {line.model: line for line in build_table([kept]).published}
    return lines[model].cells[0].difference


def test_the_difference_to_a_published_figure_only_where_split_and_protocol_are_the_same():
    assert published_difference() == pytest.approx(0.4 - 0.393)
    assert published_difference(dataset_note="subset 9 of 11,788") is None  # another split
    assert published_difference(task="linear/cub200") is None  # another protocol
    assert published_difference(features="head:color") is None  # other features than the paper's
    assert published_difference(task_version=99) is None  # another version of the protocol
    foreign = {"recipe": None, "source": "a file", "epochs": None, "features": "looc"}
    assert published_difference(**foreign) is None  # a name alone is no method
    assert published_difference(model="MoCo", **foreign) is None


def test_the_publishers_own_spread_is_shown():
    built = build_table([measured_row("A", 0.1, task="few-shot/flowers102-5", dataset="flowers102")])
    (moco,) = (line for line in built.published if line.model == "MoCo")
    assert moco.cells[0].spread == pytest.approx(0.005)


def test_published_figures_stand_once_beside_a_subset():
    common = {"task": "linear/cub200-sgd", "dataset": "cub200", "features": "looc", "method": "moco"}
    rows = [measured_row("MoCo", 0.4, **common), measured_row("MoCo", 0.5, dataset_note="subset 9", **common)]
    _, theirs = parse_tables(markdown.render_markdown(build_table(rows), "x"))
    assert list(theirs[0]) == ["Model", "Source", "CUB-200, SGD, top-1 (v1)"]
    assert {line["Model"]: line["CUB-200, SGD, top-1 (v1)"] for line in theirs}["MoCo (published)"] == (
        "36.7 (here +3.3)"
    )
