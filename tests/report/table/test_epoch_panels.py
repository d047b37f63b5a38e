"""Figures over the epochs of a training. Covers loocbench.report.table.epoch_panels."""

from loocbench.pretraining import recipes
from loocbench.pretraining.extensions import extend
from loocbench.report.table import columns, epoch_panels
from loocbench.report.table.experiments import group_rows
from loocbench.types import InitialWeights
from tests.conftest import tiny_recipe
from tests.report.rows import measured_row


def kept(epoch, value, *, seed=0, of=20, **changes):
    recipe = tiny_recipe("looc", seed=seed, epochs=of)
    name = f"{of}-epochs-s{seed}-epoch{epoch}"
    return measured_row(
        "LooC", value, epochs=epoch, **{"checkpoint": name, "checkpoint_hash": name, "recipe": recipe, **changes}
    )


def untrained(value, **changes):
    recipe = recipes.untrained("resnet8", 0, 24)
    return measured_row("Random", value, checkpoint="random", checkpoint_hash="r", epochs=0, recipe=recipe, **changes)


def panels_of(rows):
    shown = columns.choose_columns(rows, columns.load_cards(rows), every_metric=False, metrics=())
    return epoch_panels.epoch_panels(shown, group_rows(rows))


def points_of(panel):
    return {series.name: [(x, round(y, 6)) for x, y, *_ in series.points] for series in panel.series}


def test_a_training_is_one_curve_from_the_untrained_network_on():
    (panel,) = panels_of([kept(20, 0.9), kept(5, 0.6), untrained(0.3), kept(10, 0.7)])
    assert points_of(panel) == {"LooC, looc++": [(0, 0.3), (5, 0.6), (10, 0.7), (20, 0.9)]}
    assert panel.x == "epochs"


def test_points_are_means_over_seeds_with_their_interval():
    rows = [kept(epoch, value, seed=seed) for epoch in (5, 20) for seed, value in enumerate((0.4, 0.5, 0.6))]
    ((series,),) = (panel.series for panel in panels_of(rows))
    (x, y, low, high) = series.points[0]
    assert (x, round(y, 9), len(series.points)) == (5, 0.5, 2)
    assert round(high - y, 6) == round(y - low, 6) == round(4.302653 * 0.1 / 3**0.5, 6)  # Student's


def test_trainings_of_other_lengths_are_other_curves():
    rows = [kept(5, 0.6), kept(20, 0.9), kept(5, 0.5, of=10), kept(10, 0.7, of=10)]
    (panel,) = panels_of(rows)
    assert {name: len(points) for name, points in points_of(panel).items()} == {
        "LooC, looc++, blooms, resnet8 at 16 px, 10 epochs": 2,
        "LooC, looc++, blooms, resnet8 at 16 px, 20 epochs": 2,
    }


def test_an_extended_training_is_one_curve_with_the_epochs_before():
    short = tiny_recipe("looc", epochs=10)
    longer, longest = extend(short, 10), extend(extend(short, 10), 20)
    recipes_of = {5: short, 10: short, 15: longer, 20: longer, 40: longest}
    (panel,) = panels_of([kept(epoch, epoch / 100, recipe=recipe) for epoch, recipe in recipes_of.items()])
    assert points_of(panel) == {"LooC, looc++": [(epoch, epoch / 100) for epoch in recipes_of]}


def test_two_extensions_of_one_training_are_two_curves_with_a_common_beginning():
    short = tiny_recipe("looc", epochs=10)
    rows = [kept(10, 0.5, recipe=short), kept(20, 0.6, recipe=extend(short, 10))]
    rows += [kept(30, 0.7, recipe=extend(short, 20))]
    (panel,) = panels_of(rows)
    assert sorted(points_of(panel).values()) == [[(10, 0.5), (20, 0.6)], [(10, 0.5), (30, 0.7)]]


def test_a_curve_is_of_the_same_seeds_at_every_place():
    rows = [kept(epoch, epoch / 100, seed=0) for epoch in (5, 10, 20)] + [kept(20, 0.9, seed=1), kept(10, 0.8, seed=1)]
    (panel,) = panels_of(rows)
    assert points_of(panel) == {"LooC, looc++": [(5, 0.05), (10, 0.1), (20, 0.2)]}
    (panel,) = panels_of([*rows, kept(5, 0.7, seed=1), untrained(0.3)])
    assert points_of(panel) == {"LooC, looc++": [(5, 0.375), (10, 0.45), (20, 0.55)]}  # one untrained network, not two


def test_seeds_that_were_not_extended_have_a_curve_of_their_own():
    def row(seed, epoch, recipe, value):
        return kept(epoch, value, seed=seed, recipe=recipe.model_copy(update={"seed": seed}))

    short = tiny_recipe("looc", epochs=10)
    rows = [row(seed, epoch, short, (seed + epoch) / 100) for seed in (0, 1) for epoch in (5, 10)]
    (panel,) = panels_of([*rows, row(0, 20, extend(short, 10), 0.2)])
    assert sorted(points_of(panel).values()) == [[(5, 0.05), (10, 0.1), (20, 0.2)], [(5, 0.06), (10, 0.11)]]


def test_trainings_that_differ_in_a_setting_alone_are_told_apart_by_it():
    rates = [tiny_recipe("looc", epochs=20, learning_rate=rate) for rate in (0.01, 0.1)]
    rows = [
        kept(
            epoch, 0.5, recipe=recipe, checkpoint_hash=f"{epoch} {recipe.learning_rate}", checkpoint=f"{epoch} {place}"
        )
        for epoch in (5, 20)
        for place, recipe in enumerate(rates)
    ]
    (panel,) = panels_of(rows)
    assert [series.name.split(", ")[-1] for series in panel.series] == ["learning rate 0.01", "learning rate 0.1"]


def test_an_untrained_network_of_other_features_or_another_size_begins_nothing():
    for start in (untrained(0.3, features="looc"), untrained(0.3, image_size=99), untrained(0.3, backbone="resnet50")):
        (panel,) = panels_of([kept(5, 0.6), kept(20, 0.9), start])
        assert points_of(panel) == {"LooC, looc++": [(5, 0.6), (20, 0.9)]}


def test_a_training_that_began_from_a_checkpoint_did_not_begin_untrained():
    recipe = tiny_recipe("looc", epochs=20).model_copy(update={"init": InitialWeights(name="a", weights="0" * 64)})
    (panel,) = panels_of([kept(5, 0.6, recipe=recipe), kept(20, 0.9, recipe=recipe), untrained(0.3)])
    assert points_of(panel) == {"LooC, looc++": [(5, 0.6), (20, 0.9)]}


def test_one_epoch_alone_is_no_curve():
    assert panels_of([kept(20, 0.9), untrained(0.3)]) == []
    assert panels_of([kept(20, 0.9), kept(5, 0.9, task="rotation/blooms")]) == []
