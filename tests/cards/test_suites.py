"""Suite cards: models with a budget and tasks, or tasks alone for checkpoints that exist."""

import pytest

from loocbench.cards import suites, tasks
from loocbench.cards.finding import find_task_of_row
from loocbench.data.entries import ENTRIES
from loocbench.errors import UserError
from loocbench.pretraining import recipes
from loocbench.types import SELECTED, UNTRAINED

TASKS = ("linear/blooms-color",)


@pytest.mark.parametrize("name", suites.suite_names())
def test_every_suite_can_be_made(name):
    card = suites.load_suite(name)
    assert card.suite == name
    assert all(tasks.load_task(task).task == task for task in card.tasks)
    assert all(find_task_of_row(task, tasks.load_task(task).dataset) for task in card.tasks)
    for model in card.models:
        for seed in model.seeds:
            recipe = suites.recipe_of_model(card, model, seed=seed)
            assert (recipe.seed, recipe.epochs) == (seed, 0 if model.method == UNTRAINED else card.budget.epochs)
    assert card.pretrain_on in ({*ENTRIES} if card.models else {""})


def test_a_suite_without_models_cannot_be_half_one():
    about = {"suite": "half", "version": 1, "title": "", "description": "", "cost": "", "tasks": TASKS}
    with pytest.raises(ValueError, match="belong together"):
        suites.SuiteCard(**about, pretrain_on="blooms")
    with pytest.raises(ValueError, match="belong together"):
        suites.SuiteCard(**about, models=(suites.SuiteModel(method="moco", features=("looc",)),))
    card = suites.SuiteCard(**about)
    with pytest.raises(UserError, match="has no models of its own; name checkpoints: loocbench run half"):
        suites.recipe_of_model(card, suites.SuiteModel(method="moco", features=("looc",)), seed=0)


def test_the_budget_says_into_how_many_groups_a_batch_is_split():
    demo = suites.load_suite("demo")
    split = demo.model_copy(update={"budget": demo.budget.model_copy(update={"groups": 8})})
    assert [suites.recipe_of_model(card, card.models[1], seed=0).groups for card in (demo, split)] == [1, 8]


def test_the_budget_says_what_networks_compute_in():
    demo = suites.load_suite("demo")
    half = demo.model_copy(update={"budget": demo.budget.model_copy(update={"precision": "bfloat16"})})
    found = [suites.recipe_of_model(card, card.models[1], seed=0).precision for card in (demo, half)]
    assert found == ["float32", "bfloat16"]


def test_no_epoch_after_the_last_one_can_be_kept(tmp_path):
    text = (suites.suites_folder() / "demo.toml").read_text()
    path = tmp_path / "demo.toml"
    path.write_text(text.replace('method = "moco"', 'method = "moco"\nkeep_epochs = [2, 4]'))
    assert suites.read_suite(path).models[1].keep_epochs == (2, 4)
    path.write_text(text.replace('method = "moco"', 'method = "moco"\nkeep_epochs = [2, 5]'))
    with pytest.raises(UserError, match="epoch 5 of keep_epochs is past the last one, 4"):
        suites.read_suite(path)


def test_an_untrained_network_has_no_augmentations_and_no_epochs():
    with pytest.raises(ValueError, match="an untrained network has no augmentations"):
        suites.SuiteModel(method=UNTRAINED, features=("looc",), augmentations=("color",))
    with pytest.raises(ValueError, match="an untrained network has no epochs to keep"):
        suites.SuiteModel(method=UNTRAINED, features=("looc",), keep_epochs=(1,))


def test_features_of_a_suite_are_those_that_its_models_will_offer(tmp_path):
    text = (suites.suites_folder() / "demo.toml").read_text()
    path = tmp_path / "demo.toml"
    path.write_text(text.replace('"head:color"', f'"head:color", "{SELECTED}"'))
    assert SELECTED in suites.read_suite(path).models[-1].features
    path.write_text(text.replace('"head:color"', '"head:colour"'))
    with pytest.raises(UserError, match="Did you mean 'head:color'"):
        suites.read_suite(path)


def test_models_that_would_share_a_run_are_refused(tmp_path):
    text = (suites.suites_folder() / "demo.toml").read_text()
    file = tmp_path / "demo.toml"
    file.write_text(text.replace('method = "looc++"', 'method = "looc"').replace('"looc++", "head', '"looc", "head'))
    with pytest.raises(UserError, match="two models would have the run name 'looc-color-rotation-blooms-s0'"):
        suites.read_suite(file)
    file.write_text(text.replace('method = "random"', 'method = "random"\nseeds = [0, 0]'))
    with pytest.raises(UserError, match="two models would have the run name 'random-nocolor-blooms-s0'"):
        suites.read_suite(file)


def test_a_run_is_named_by_all_that_its_method_is_given():
    def name(**settings):
        budget = suites.load_suite("demo").budget.model_dump()
        return recipes.run_name(recipes.make(seed=0, **settings, **budget), "d")

    both = ("color", "rotation")
    assert name(method="looc", augmentations=both) == "looc-color-rotation-d-s0"
    assert name(method="looc", augmentations=both, left_out=("color",)) == "looc-color-with-rotation-d-s0"
    assert name(method="looc", augmentations=both, left_out=("rotation",)) == "looc-rotation-d-s0"
    assert name(method="looc", augmentations=("rotation",)) == "looc-rotation-nocolor-d-s0"
    assert name(method="moco", augmentations=both, shared=("rotation",)) == "moco-same-rotation-d-s0"


def test_a_suite_of_ones_own_is_named_by_its_file(tmp_path):
    path = tmp_path / "mine.toml"
    text = (suites.suites_folder() / "demo.toml").read_text()
    path.write_text(text.replace('suite = "demo"', 'suite = "mine"'))
    assert suites.load_suite(str(path)).tasks == suites.load_suite("demo").tasks
    for name, message in [
        ("demo", "a suite 'demo' is there already; choose another name"),
        ("../up", r"the suite's name '\.\./up' cannot be a folder's"),
        (".hidden", "cannot be a folder's"),
    ]:
        path.write_text(text.replace('suite = "demo"', f'suite = "{name}"'))
        with pytest.raises(UserError, match=message):
            suites.load_suite(str(path))
    with pytest.raises(UserError, match="cannot read card"):
        suites.load_suite(str(tmp_path / "nothing.toml"))
