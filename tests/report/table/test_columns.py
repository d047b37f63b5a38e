"""Columns: one per task, metric and copy of the data.

Covers ``loocbench.report.table.columns``.
"""

from loocbench.report.formats import markdown
from loocbench.report.table.table import build_table
from tests.report.reading import parse_tables
from tests.report.rows import measured_row


def test_figures_on_a_subset_have_a_column_of_their_own_that_says_so():
    full = measured_row("A", 0.5, task="linear/cub200", dataset="cub200")
    part = measured_row(
        "A", 0.9, task="linear/cub200", dataset="cub200", dataset_note="subset 9 of 11,788", checkpoint="b"
    )
    built = build_table([full, part])
    assert [column.note for column in built.columns] == ["", "subset 9 of 11,788"]
    assert "CUB-200, top-1 (v1) [subset 9 of 11,788]" in parse_tables(markdown.render_markdown(built, "x"))[0][0]


def test_a_folders_columns_are_named_after_it():
    from loocbench.cards import finding

    for evaluator, title in (("linear", "cars"), ("rotation", "cars, orientation"), ("retrieval", "cars, neighbours")):
        card = finding.find_task(evaluator, "folder:/data/cars")
        assert finding.find_task_of_row(card.task, "folder:cars").title == card.title == title
    card = finding.find_task("linear", "folder:/data/cars", "color")
    assert finding.find_task_of_row(card.task, "folder:cars") == card.model_copy(update={"dataset": "folder:cars"})
    assert finding.find_task_of_row("linear/long-gone", "cub200") is None


def test_a_task_that_is_no_longer_shipped_keeps_its_column():
    built = build_table([measured_row("A", 0.5, task="gone/task", dataset="cub200"), measured_row("A", 0.6)])
    assert [column.title for column in built.columns] == ["Blooms species, top-1 (v1)", "gone/task, top-1 (v1)"]
    assert all(built.measured[0].cells)
