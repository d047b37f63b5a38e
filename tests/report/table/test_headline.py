"""The headline table: a column for each question, and what sets lines apart that would read the same.

Covers ``loocbench.report.table.headline`` and ``loocbench.report.table.line_names``.
"""

from loocbench.report.table import columns, headline, line_names
from loocbench.report.table.cells import Cell, Line
from loocbench.report.table.table import TableOptions, build_table
from tests.report import fixed_store
from tests.report.rows import measured_row

TASKS = {
    "linear/blooms": "blooms",
    "linear/blooms-color": "blooms",
    "knn/blooms": "blooms",
    "rotation/blooms": "blooms",
    "linear/cub200": "cub200",
    "knn/cub200": "cub200",
}


def chosen(tasks, **options):
    rows = [measured_row("A", 0.5, task=task, dataset=TASKS[task]) for task in tasks]
    return build_table(rows, TableOptions(headline=True, **options))


def test_each_question_is_asked_once_and_by_its_best_answer():
    assert [column.task for column in chosen(TASKS).columns] == [
        "linear/blooms",
        "linear/blooms-color",
        "rotation/blooms",
        "linear/cub200",
    ]
    assert [column.task for column in chosen(["knn/blooms", "rotation/blooms"]).columns] == [
        "knn/blooms",
        "rotation/blooms",
    ]


def test_what_is_left_out_is_counted_and_the_whole_table_has_it():
    assert chosen(TASKS).notes[0] == "A column for each question; 2 more columns with --all."
    assert not any("--all" in note for note in chosen(["linear/blooms"]).notes)
    rows = fixed_store.rows()
    every, few = build_table(rows), build_table(rows, TableOptions(headline=True))
    assert few.columns == tuple(every.columns[place] for place in every.headline)
    assert [column.task for column in few.columns] == [
        "sensitivity/blooms",  # the only column of its data set
        "linear/cub200-sgd",
        "retrieval/cub200",
        "linear/flowers102",
    ]
    assert few.columns[2].metric == "color_recall1"
    for one, other in zip(few.measured, every.measured, strict=True):
        assert one.cells == tuple(other.cells[place] for place in every.headline)  # with the same tests


def test_the_column_that_is_sorted_by_is_shown():
    assert "knn/cub200" in [column.task for column in chosen(TASKS, sort="knn/cub200").columns]


def test_where_nothing_answers_a_question_all_columns_are_shown():
    rows = [measured_row("A", 0.5, task="gone/task", dataset="cub200")]
    built = build_table(rows, TableOptions(headline=True))
    assert len(built.columns) == 1
    assert headline.choose_headline(built.columns, columns.load_cards(rows)) == [0]


def test_a_line_without_a_figure_in_the_headline_is_left_out():
    rows = [
        measured_row("A", 0.5, task="linear/blooms"),
        measured_row("B", 0.5, task="knn/blooms"),
    ]
    assert [line.model for line in build_table(rows).measured] == ["A", "B"]
    assert [line.model for line in build_table(rows, TableOptions(headline=True)).measured] == ["A"]


def line(trained_on, model="Random", features="looc"):
    return Line(model, features, trained_on, (Cell(0.5),))


def test_lines_of_one_name_say_what_sets_them_apart():
    found = line_names.tell_apart(
        [
            line("nothing, resnet8 at 16 px"),
            line("nothing, resnet50 at 224 px"),
            line("nothing, resnet50 at 224 px", features="head:color"),
            line("blooms, resnet8 at 16 px, 3 epochs", "MoCo"),
            line("blooms, resnet8 at 16 px, 9 epochs", "MoCo"),
        ]
    )
    assert [one.apart for one in found] == ["resnet8 at 16 px", "resnet50 at 224 px", "", "3 epochs", "9 epochs"]
    assert [one.title for one in found[2:4]] == ["Random", "MoCo [3 epochs]"]
