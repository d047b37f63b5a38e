"""Recipe cards: a named pretraining run, valid as a whole, with settings that can be changed."""

import pytest

from loocbench.cards import recipes
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError


@pytest.mark.parametrize("name", recipes.recipe_names())
def test_every_recipe_can_be_made(name):
    card = recipes.load_recipe(name)
    assert card.recipe == name
    assert card.dataset in ENTRIES
    recipe = card.make()
    assert recipe.method == card.settings["method"]


def test_settings_can_be_changed_and_are_checked():
    card = recipes.load_recipe("small/looc-rotation")
    assert card.make(epochs=3).epochs == 3
    with pytest.raises(UserError, match="unknown backbone 'resnet9'"):
        card.make(backbone="resnet9")


def test_an_unknown_recipe_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'paper/looc'"):
        recipes.load_recipe("paper/loc")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('recipe = "small/looc-rotation"', 'recipe = "small/looc"', "the file is small/looc-rotation.toml; rename one"),
        ("[settings]", "[settings]\nsteps = 3", "unknown setting of .* 'steps'"),
        ('method = "looc"', 'method = "loc"', "Did you mean 'looc'"),
        ("version =", "versoin =", "versoin: unknown key; did you mean 'version'?"),
    ],
)
def test_a_card_with_a_mistake_is_refused_by_name(tmp_path, before, after, message):
    text = (recipes.recipes_folder() / "small" / "looc-rotation.toml").read_text()
    path = tmp_path / "small" / "looc-rotation.toml"
    path.parent.mkdir()
    path.write_text(text)
    assert recipes.read_recipe(path) == recipes.load_recipe("small/looc-rotation")
    assert before in text
    path.write_text(text.replace(before, after))
    with pytest.raises(UserError, match=message):
        recipes.read_recipe(path)
