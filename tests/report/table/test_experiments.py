"""Experiments: which rows are one line, their order, and their labels.

Covers ``loocbench.report.table.experiments``.
"""

from loocbench.report.table.experiments import group_rows
from loocbench.report.table.matrices import build_matrices
from loocbench.report.table.table import build_table
from loocbench.types import Conditions, InitialWeights, Preprocessing
from tests.conftest import tiny_recipe
from tests.report.rows import measured_row

FOREIGN = {"recipe": None, "source": "a file", "epochs": None}


def measured_with(*, mean=(0.485, 0.456, 0.406), heads=3):
    preprocessing = Preprocessing(image_size=16, resize=18, mean=mean)
    network = {"name": "timm:vit", "options": {"num_heads": heads}}
    return Conditions(preprocessing=preprocessing, network=network, protocol={}, labels=("class",), numerics="float32")


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


def test_runs_from_two_checkpoints_of_one_name_are_two_lines():
    rows = []
    for weights in ("a" * 64, "b" * 64):
        row = measured_row("LooC from theirs", 0.5, checkpoint=weights[0], checkpoint_hash=weights)
        init = InitialWeights(name="theirs", weights=weights)
        rows.append(row.model_copy(update={"recipe": row.recipe.model_copy(update={"init": init})}))
    lines = build_table(rows).measured
    assert [line.trained_on.split("epochs")[1] for line in lines] == [
        ", from theirs (weights aaaaaaaa…)",
        ", from theirs (weights bbbbbbbb…)",
    ]


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


def test_weights_that_were_imported_again_with_other_settings_are_another_line():
    """The same weights, once with other means and once with other heads, were one line and one figure."""
    rows = [
        measured_row("re", 0.2, measured_with=measured_with(), **FOREIGN),
        measured_row("re", 0.4, task="knn/blooms", measured_with=measured_with(mean=(0.5, 0.5, 0.5)), **FOREIGN),
        measured_row("re", 0.6, task="rotation/blooms", measured_with=measured_with(heads=6), **FOREIGN),
    ]
    lines = build_table(rows).measured
    assert [[cell.value if cell else None for cell in line.cells] for line in lines] == [
        [0.2, None, None],
        [None, 0.4, None],
        [None, None, 0.6],
    ]
    assert [line.trained_on.partition("a file, ")[2] for line in lines] == [
        "mean 0.485 0.456 0.406, num heads 3",
        "mean 0.5 0.5 0.5, num heads 3",
        "mean 0.485 0.456 0.406, num heads 6",
    ]


def test_untrained_networks_with_other_preprocessing_are_not_averaged():
    """``random:A`` and ``random:B``, of checkpoints with one architecture, have the same weights and name."""
    changes = {"recipe": None, "source": "random:timm:vit", "epochs": 0, "checkpoint_hash": "a" * 64}
    rows = [
        measured_row("Random", 0.2, checkpoint="random-a-s0", measured_with=measured_with(), **changes),
        measured_row("Random", 0.4, checkpoint="random-b-s0", measured_with=measured_with(heads=6), **changes),
        measured_row("Random", 0.8, checkpoint="random-c-s0", **{**changes, "image_size": 32}),
    ]
    assert [line.cells[0].value for line in build_table(rows).measured] == [0.2, 0.4, 0.8]


def test_rows_that_do_not_record_their_settings_stand_with_those_that_may_be_the_same():
    rows = [
        measured_row("re", 0.2, **FOREIGN),
        measured_row("re", 0.4, task="knn/blooms", measured_with=measured_with(), **FOREIGN),
    ]
    assert [one.rows for one in group_rows(rows)] == [tuple(rows)]
    other = measured_row("re", 0.4, task="rotation/blooms", measured_with=measured_with(heads=6), **FOREIGN)
    assert [one.rows for one in group_rows([*rows, other])] == [(rows[0],), (rows[1],), (other,)]
    assert "preprocessing not recorded" in group_rows([*rows, other])[0].trained_on


def test_a_matrix_is_of_one_preprocessing():
    from loocbench.cards.tasks import load_task

    card = load_task("sensitivity/blooms")
    names = {f"{change}_{metric}" for change in card.protocol.changes for metric in card.task_kind.change_metrics}
    metric = measured_row("A", 0.5).metrics["top1"]
    rows = [
        measured_row("re", 0.5, task=card.task, metrics=dict.fromkeys(names, metric), measured_with=how, **FOREIGN)
        for how in (measured_with(), measured_with(heads=6))
    ]
    assert [len(one.rows) for one in build_matrices(group_rows(rows), {card.task: card})] == [1, 1]


def test_models_of_one_method_are_in_the_order_of_their_numbers():
    found = group_rows([measured_row(f"v{number}", 0.5) for number in (10, 2, 1)])
    assert [one.model for one in found] == ["v1", "v2", "v10"]


def test_the_epochs_of_one_training_stand_together():
    rates = {rate: tiny_recipe("looc", epochs=20, learning_rate=rate) for rate in (0.01, 0.1)}
    rows = [
        measured_row("LooC", 0.5, epochs=epoch, recipe=recipe, checkpoint=f"{rate} {epoch}", features=features)
        for epoch in (20, 5)
        for rate, recipe in rates.items()
        for features in ("looc", "head:color")
    ]
    found = [(one.rows[0].recipe.learning_rate, one.rows[0].epochs, one.features) for one in group_rows(rows)]
    assert found == [
        (rate, epoch, features) for rate in rates for epoch in (5, 20) for features in ("head:color", "looc")
    ]
