"""Experiments: which rows are one line, their order, and their labels.

Covers ``loocbench.report.table.experiments``.
"""

from loocbench.report.table.table import build_table
from tests.report.rows import measured_row


def test_models_are_ordered_from_the_baseline_to_the_paper():
    rows = [measured_row(name, 0.5, method=name) for name in ("looc++", "looc", "moco")]
    assert [line.model for line in build_table(rows).measured] == ["moco", "looc", "looc++"]


def test_different_recipes_are_different_lines_that_say_in_what_they_differ():
    rows = [
        measured_row("A", 0.5, checkpoint="a"),
        measured_row("A", 0.6, seed=1, checkpoint="b", checkpoint_hash="b" * 64),
    ]
    rows[1] = rows[1].model_copy(update={"recipe": rows[1].recipe.model_copy(update={"learning_rate": 5.0})})
    lines = build_table(rows).measured
    assert [line.cells[0].seeds for line in lines] == [1, 1]
    assert [line.trained_on.split("epochs")[1] for line in lines] == [", learning rate 0.05", ", learning rate 5.0"]


def test_a_model_that_was_trained_on_a_subset_says_so():
    (line,) = build_table(
        [measured_row("A", 0.5, pretrained_on="cub200", pretraining_note="subset 9 of 11,788")]
    ).measured
    assert line.trained_on.startswith("cub200 (subset 9 of 11,788), resnet8 at 16 px")


def test_the_number_of_seeds_is_shown():
    rows = [
        measured_row("A", value, seed=seed, checkpoint=f"a{seed}", checkpoint_hash=f"{seed}" * 64)
        for seed, value in enumerate((0.5, 0.6, 0.7))
    ]
    (line,) = build_table(rows).measured
    assert (line.seeds, line.cells[0].seeds, line.cells[0].interval_over) == (3, 3, "seeds")


def test_weights_from_elsewhere_say_where_from_and_that_their_epochs_are_unknown():
    foreign = {"recipe": None, "source": "timm resnet50.a1_in1k", "epochs": None, "pretrained_on": ""}
    rows = [measured_row("A", 0.5), measured_row("Theirs", 0.7, **foreign)]
    lines = build_table(rows).measured
    assert [line.model for line in lines] == ["A", "Theirs"]
    assert lines[1].trained_on == "unknown images, resnet8 at 16 px, unknown epochs, timm resnet50.a1_in1k"


def test_two_weights_of_one_name_from_elsewhere_are_told_apart():
    foreign = {"recipe": None, "source": "a file", "epochs": None}
    rows = [
        measured_row("Theirs", value, checkpoint=letter, checkpoint_hash=letter * 64, **foreign)
        for letter, value in (("a", 0.1), ("b", 0.2))
    ]
    assert [line.trained_on.rpartition(", ")[2] for line in build_table(rows).measured] == [
        "weights aaaaaaaa",
        "weights bbbbbbbb",
    ]
