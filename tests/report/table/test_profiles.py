"""Profiles: the questions that columns answer, and each model's figure between an untrained network's and the best."""

import pytest

from loocbench.pretraining import recipes
from loocbench.report.table import columns, profiles
from loocbench.report.table.table import build_table
from tests.report.rows import measured_row

FIGURES = {  # model: (method, features, species, colour, orientation)
    "Random": ("random", "looc", 0.2, 0.5, 0.9),
    "MoCo": ("moco", "looc", 0.4, 0.3, 0.8),
    "LooC++": ("looc++", "looc++", 0.5, 0.9, 0.95),
    "LooC++ head": ("looc++", "head:color", 0.3, 0.97, 0.7),
}
TASKS = ("linear/blooms", "linear/blooms-color", "rotation/blooms")


def rows():
    found = []
    for model, (method, features, *values) in FIGURES.items():
        recipe = recipes.untrained("resnet8", 0, 16) if method == "random" else None
        for task, value in zip(TASKS, values, strict=True):
            more = {"recipe": recipe, "epochs": 0} if recipe else {"method": method}
            found.append(measured_row(model.removesuffix(" head"), value, task=task, features=features, **more))
    return found


def build(chosen):
    table = build_table(chosen)
    cards = columns.load_cards(chosen)
    return table, cards


def test_each_label_and_the_orientation_is_a_question():
    table, cards = build(rows())
    questions = profiles.list_questions(table.columns, cards)
    assert [one.title for one in questions] == ["species", "colour", "orientation"]
    assert [table.columns[one.column].task for one in questions] == list(TASKS)


def test_a_model_stands_between_the_untrained_network_and_the_best_line():
    table, cards = build(rows())
    found = profiles.build_profiles(table.columns, cards, table.measured)
    assert [one.name for one in found] == ["MoCo", "LooC++"]  # neither the scale itself nor a single space
    assert [(answer.cell.value, answer.untrained, answer.best) for answer in found[0].answers] == [
        pytest.approx(figures) for figures in ((0.4, 0.2, 0.5), (0.3, 0.5, 0.97), (0.8, 0.9, 0.95))
    ]


def test_without_an_untrained_network_there_is_no_lower_end():
    table, cards = build([row for row in rows() if row.model != "Random"])
    found = profiles.build_profiles(table.columns, cards, table.measured)
    assert {answer.untrained for one in found for answer in one.answers} == {None}


def test_what_was_not_measured_is_no_figure():
    table, cards = build([row for row in rows() if (row.model, row.task) != ("MoCo", "rotation/blooms")])
    assert profiles.build_profiles(table.columns, cards, table.measured)[0].answers[2].cell is None


def test_one_question_makes_no_profile():
    table, cards = build([row for row in rows() if row.task == "linear/blooms"])
    assert profiles.build_profiles(table.columns, cards, table.measured) == []


def test_questions_of_several_data_sets_name_them():
    more = measured_row("MoCo", 0.5, task="linear/cub200", method="moco", dataset="cub200")
    table, cards = build([*rows(), more])
    assert "CUB-200: class" in [one.title for one in profiles.list_questions(table.columns, cards)]
