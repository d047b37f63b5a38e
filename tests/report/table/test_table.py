"""The comparison table as a whole: lines, scale, notes.

Covers loocbench.report.table.table, loocbench.report.table.scale and loocbench.report.table.notes; the order of lines
(loocbench.report.table.sorting) is tested in tests/cli/test_report.py.
"""

from loocbench.report.formats import markdown
from loocbench.report.table.table import build_table
from loocbench.types import Metric
from tests.conftest import tiny_recipe
from tests.report.reading import parse_tables
from tests.report.rows import measured_row


def test_the_scale_stands_below_and_what_is_stated_in_the_notes():
    metric = Metric(value=0.5, low=0.4, high=0.6, n=10)
    kept = measured_row(
        "A",
        0.5,
        task="retrieval/cub200",
        dataset="cub200",
        metrics={"class_recall1": metric},
        scale={"random": {"class_recall1": 0.01}, "oracle": {"class_recall1": 1.0}},
        stated={"foreground": "bounding box"},
    )
    built = build_table([kept])
    assert [(line.model, line.cells[0].value) for line in built.scale] == [
        ("Random ranking", 0.01),
        ("Best possible ranking", 1.0),
    ]
    assert "retrieval/cub200: foreground from bounding box." in built.notes
    (lines,) = parse_tables(markdown.render_markdown(built, "x"))
    assert [line["Model"] for line in lines] == ["A", "Random ranking", "Best possible ranking"]


def test_what_was_assumed_of_a_model_stands_in_the_notes_once():
    what = "preprocessing ImageNet's (short side 256 px, crop 224 px)"
    rows = [measured_row("A", 0.5, task=task, stated={"assumed": what}) for task in ("linear/blooms", "knn/blooms")]
    assert [note for note in build_table(rows).notes if "Assumed" in note] == [f"Assumed of A: {what}."]


def test_what_a_checkpoint_of_an_epoch_had_not_learned_is_not_said_of_the_trained_model():
    recipe = tiny_recipe(epochs=4)
    rows = [
        measured_row(
            "A",
            0.5,
            seed=seed,
            checkpoint=f"a{seed}{done}",
            epochs=done,
            recipe=recipe.model_copy(update={"seed": seed}),
            stated=stated,
        )
        for seed in (0, 1)
        for done, stated in ((2, {"signs of learning": "it is blind"}), (4, {}))
    ]
    assert [note for note in build_table(rows).notes if "Signs" in note] == [
        "Signs of learning, A (pretraining seed 0, 1, after 2 of 4 epochs): it is blind."
    ]


def test_a_constant_space_stands_in_the_notes_with_its_tasks():
    stated = {"constant features": "all test images have the same features"}
    rows = [measured_row("A", 0.5, task=task, stated=stated) for task in ("linear/blooms", "knn/blooms")]
    assert [note for note in build_table([*rows, measured_row("B", 0.6)]).notes if "Constant" in note] == [
        "Constant features, A, looc++: all test images have the same features (knn/blooms, linear/blooms); such "
        "figures say nothing."
    ]


def test_what_a_model_did_not_learn_stands_in_the_notes_with_its_seeds():
    collapsed, blind = "the space color has collapsed", "the space rotation does not vary with rotation"
    rows = [
        measured_row("A", 0.5, seed=seed, task=task, checkpoint=f"a{seed}", stated={"signs of learning": what})
        for seed, what in ((0, blind), (1, collapsed), (2, blind))
        for task in ("linear/blooms", "knn/blooms")
    ]
    assert [note for note in build_table([*rows, measured_row("B", 0.6)]).notes if "Signs" in note] == [
        f"Signs of learning, A (pretraining seed 1): {collapsed}.",
        f"Signs of learning, A (pretraining seed 0, 2): {blind}.",
    ]
