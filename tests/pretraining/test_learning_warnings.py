"""When a run is said not to have learned, and in which words."""

import pytest

from loocbench.pretraining.learning_warnings import describe_warnings, find_warnings, is_reporting_epoch
from tests.conftest import tiny_recipe

RECIPE = tiny_recipe("looc", epochs=10, learning_rate=0.1, queue_size=1024, key_momentum=0.95)
SPACES = ("invariant", "color", "rotation")


def make_entry(epoch=10, **changes):
    """An epoch of LooC's in which all went well, but for changes: of a space's loss, cosine, or variation."""
    entry = {
        "epoch": epoch,
        "losses": {"invariant": 4.3, "color": 3.1, "rotation": 4.2},
        "chance_losses": dict.fromkeys(SPACES, 6.93),
        "similarity": dict.fromkeys(SPACES, 0.1),
        "variation": {
            "invariant": {"color": 0.01, "rotation": 0.02},
            "color": {"color": 0.64, "rotation": 0.01},
            "rotation": {"color": 0.02, "rotation": 0.36},
        },
        "effective_rank": 30.0,
    }
    for name, values in changes.items():
        for space, value in values.items():
            entry[name][space] = {**entry[name][space], **value} if isinstance(value, dict) else value
    return entry


def statements(entry, recipe=RECIPE):
    return [one.statement for one in find_warnings(recipe, entry)]


def test_a_run_that_learned_is_not_warned_of():
    assert statements(make_entry()) == []


def test_a_space_whose_images_all_have_one_embedding_has_collapsed():
    """Whatever its loss: in the first epochs the queue's random directions make it low."""
    for loss in (2.2, 6.93):
        entry = make_entry(losses={"color": loss}, similarity={"color": 0.9997})
        entry["variation"]["color"] = {"color": 0.0, "rotation": 0.0}
        assert statements(entry) == ["the space color has collapsed"]


def test_a_space_that_has_not_started_has_not_collapsed():
    """Its loss is that of a collapsed one; its images have different embeddings."""
    entry = make_entry(losses={"invariant": 6.9}, similarity={"invariant": 0.96})
    assert statements(entry) == ["the space invariant has learned next to nothing"]


def test_with_a_small_temperature_near_embeddings_tell_images_apart():
    entry = make_entry(similarity={"invariant": 0.992})
    assert statements(entry, RECIPE) == ["the space invariant has collapsed"]
    assert statements(entry, RECIPE.model_copy(update={"temperature": 0.07})) == []


@pytest.mark.parametrize(
    ("own", "invariant", "warned"),
    [(0.36, 0.02, False), (0.04, 0.0, True), (0.2, 0.25, True), (-0.01, 0.0, True)],
)
def test_a_space_has_to_vary_with_its_augmentation_and_more_than_the_invariant_one(own, invariant, warned):
    entry = make_entry(variation={"rotation": {"rotation": own}, "invariant": {"rotation": invariant}})
    assert statements(entry) == ["the space rotation does not vary with rotation"] * warned


def test_nothing_is_said_before_half_of_the_epochs_and_a_high_loss_is_excused_until_the_last():
    bad = {"losses": {"invariant": 6.9}, "variation": {"rotation": {"rotation": 0.0}}}
    assert statements(make_entry(4, **bad)) == []
    assert statements(make_entry(5, **bad)) == ["the space rotation does not vary with rotation"]
    assert len(statements(make_entry(10, **bad))) == 2


@pytest.mark.parametrize(("epochs", "reported"), [(1, [1]), (2, [1, 2]), (3, [2, 3]), (10, [5, 10])])
def test_the_user_is_warned_at_half_and_at_the_end(epochs, reported):
    recipe = RECIPE.model_copy(update={"epochs": epochs})
    assert [epoch for epoch in range(1, epochs + 1) if is_reporting_epoch(recipe, epoch)] == reported


def test_a_line_per_kind_names_spaces_figures_and_what_to_try():
    entry = make_entry(
        losses={"invariant": 6.9, "color": 6.93},
        similarity={"color": 0.9997},
        variation={"rotation": {"rotation": -0.0001}},
    )
    lines = describe_warnings(RECIPE, 10, find_warnings(RECIPE, entry))
    assert lines == [
        "warning: after 10 of 10 epochs the space invariant has learned next to nothing (loss 6.90, chance 6.93). Try "
        "more --epochs (now 10), a lower --learning-rate (now 0.1) or a smaller --queue-size (now 1024).",
        "warning: after 10 of 10 epochs the space color has collapsed (mean cosine of different images 0.9997, loss "
        "6.93, chance 6.93). Try a lower --learning-rate (now 0.1) or a higher --key-momentum (now 0.95).",
        "warning: after 10 of 10 epochs the space rotation does not vary with rotation (cosine lower by 0.000 where "
        "rotation differs, by 0.020 in the space invariant). Try a lower --learning-rate (now 0.1), a smaller "
        "--queue-size (now 1024), in which the image's own other keys weigh more, or more --epochs (now 10); nothing "
        "helps where images look alike whatever is drawn.",
    ]


def test_a_learning_rate_that_is_low_is_not_to_be_lowered():
    recipe = RECIPE.model_copy(update={"learning_rate": 1e-5})
    entry = make_entry(losses={"invariant": 6.9})
    assert "another --learning-rate (now 1e-05)" in describe_warnings(recipe, 10, find_warnings(recipe, entry))[0]


def test_add_ones_spaces_are_not_asked_to_vary_with_their_augmentation():
    """They are invariant to it."""
    entry = make_entry(variation={"rotation": {"rotation": 0.0}})
    assert statements(entry, tiny_recipe("add-one", epochs=10)) == []


def test_a_supervised_network_is_judged_by_its_loss_alone():
    recipe = tiny_recipe("supervised", epochs=10)
    entry = {
        "epoch": 10,
        "losses": {"cross-entropy": 2.29},
        "chance_losses": {"cross-entropy": 2.303},
        "similarity": {},
        "variation": {},
    }
    (line,) = describe_warnings(recipe, 10, find_warnings(recipe, entry))
    assert "the network has learned next to nothing (loss 2.29, chance 2.30)" in line
    assert "queue" not in line
    assert find_warnings(recipe, {**entry, "losses": {"cross-entropy": 1.5}}) == []


def test_entries_of_older_versions_hold_no_signs():
    assert find_warnings(RECIPE, {"epoch": 10, "losses": dict.fromkeys(SPACES, 6.93)}) == []
