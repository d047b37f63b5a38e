"""Recipes and the names of what they make: every card makes its own, defaults, and what is refused.

Covers ``loocbench.pretraining.recipes``, ``loocbench.pretraining.labels``.
"""

import pytest

from loocbench.cards import recipes as cards
from loocbench.errors import UserError
from loocbench.pretraining import recipes
from loocbench.pretraining.labels import recipe_label
from loocbench.types import InitialWeights
from tests.conftest import tiny_recipe


@pytest.mark.parametrize("name", cards.recipe_names())
def test_every_recipe_card_makes_its_recipe(name):
    card = cards.load_recipe(name)
    recipe = card.make()
    assert recipe.method == card.settings["method"]
    assert ("texture" in recipe.augmentations) == (recipe.texture == "random-convolution")
    if name.startswith("paper/"):
        assert (recipe.backbone, recipe.image_size, recipe.epochs, recipe.batch_size) == ("resnet50", 224, 500, 256)
        assert (recipe.learning_rate, recipe.schedule, recipe.milestones) == (0.03, "step", (300, 400))
        assert (recipe.queue_size, recipe.key_momentum, recipe.temperature) == (16384, 0.999, 0.2)
    assert recipe_label(recipe).startswith(card.title)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "mocco"}, "Did you mean 'moco'"),
        ({"texture": "gatys"}, "unknown texture randomisation"),
        ({"method": "moco", "shared": ("rotation",)}, "--same needs --method moco"),
        ({"method": "looc", "shared": ("color",)}, "--same needs --method moco"),
        ({"method": "supervised", "left_out": ("color",)}, "no leave-one-out spaces"),
    ],
)
def test_recipes_that_cannot_be_are_refused(changes, message):
    method = changes.pop("method", "looc")
    with pytest.raises(UserError, match=message):
        tiny_recipe(method, **changes)


def test_milestones_default_to_the_papers_300_and_400_of_500():
    assert tiny_recipe(epochs=500).milestones == (300, 400)


@pytest.mark.parametrize(
    ("method", "changes", "label"),
    [
        ("supervised", {}, "Supervised"),
        ("moco", {}, "MoCo"),
        ("moco", {"augmentations": ("rotation", "color")}, "MoCo + Rotation"),
        ("moco", {"augmentations": ("color", "rotation", "texture")}, "MoCo + Rotation + Texture"),
        (
            "moco",
            {"augmentations": ("color", "rotation"), "shared": ("rotation",)},
            "MoCo + Rotation (same for q and k)",
        ),
        ("moco", {"augmentations": ("rotation",)}, "MoCo + Rotation without color jitter"),
        ("moco++", {}, "MoCo++"),
        ("looc", {}, "LooC (color, rotation)"),
        ("looc", {"left_out": ("rotation",)}, "LooC (rotation)"),
        ("looc", {"augmentations": ("color", "rotation"), "left_out": ("color",)}, "LooC (color) + Rotation"),
        ("looc++", {"left_out": ("texture", "color")}, "LooC++ (color, texture)"),
        ("add-one", {}, "Add-one (color, rotation)"),
    ],
)
def test_a_model_is_named_by_all_that_its_method_is_given(method, changes, label):
    """``loocbench.pretraining.labels``."""
    assert recipe_label(tiny_recipe(method, **changes)) == label


def test_untrained_networks_and_methods_that_are_not_installed_have_names_too():
    assert recipe_label(recipes.untrained("resnet8", 0)) == "Random"
    assert recipe_label(tiny_recipe("looc").model_copy(update={"method": "new"})) == "new (color, rotation)"


def test_changed_settings_of_a_card_drop_what_belongs_to_the_old_ones():
    settings = {"method": "looc", "left_out": ["color"], "epochs": 500, "milestones": [300, 400], "seed": 1}
    assert recipes.adapt_settings(settings, {"method": "moco"}) == {
        "method": "moco",
        "epochs": 500,
        "milestones": [300, 400],
        "seed": 1,
    }
    assert recipes.adapt_settings(settings, {"epochs": 10}) == {
        "method": "looc",
        "left_out": ["color"],
        "epochs": 10,
        "seed": 1,
    }
    assert recipes.adapt_settings(settings, {"epochs": 10, "milestones": [5]})["milestones"] == [5]


def test_a_run_from_a_checkpoint_is_named_after_it():
    begun = tiny_recipe("looc").model_copy(update={"init": InitialWeights(name="resnet50", weights="ab" * 32)})
    assert recipe_label(begun) == "LooC (color, rotation) from resnet50"
    assert recipes.run_name(begun, "blooms") == "looc-color-rotation-from-resnet50-blooms-s0"
    assert "init" not in recipes.settings_of(begun)
    assert "init" not in recipes.SETTINGS


def test_the_settings_of_a_recipe_make_it_again():
    recipe = tiny_recipe("moco", augmentations=("color", "rotation"), shared=("rotation",), epochs=7)
    assert recipes.make(**recipes.settings_of(recipe)) == recipe
