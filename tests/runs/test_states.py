"""A state holds all that training depends on."""

import pytest
import torch

from loocbench.data import preparing
from loocbench.errors import UserError
from loocbench.pretraining.loop import Run
from loocbench.runs import states
from tests.conftest import Silent, tiny_recipe

CPU = torch.device("cpu")


def run_of(recipe, dataset, cache):
    split = dataset.splits["train"]
    images = preparing.prepare(dataset, split, 18, cache=cache, reporter=Silent())
    labels = split.labels["species"] if recipe.method == "supervised" else None
    return Run(recipe, images, CPU, labels=labels)


def everything(run):
    """All tensors of the run's modules by name."""
    return {
        f"{part}.{name}": value
        for part, module in run.training.modules().items()
        for name, value in module.state_dict().items()
    }


STOPS = (1, 3, 4)  # steps; an epoch has 3


@pytest.mark.parametrize("method", ["moco", "moco++", "looc", "looc++", "add-one", "supervised"])
def test_a_state_holds_all_that_training_depends_on(tmp_path, tiny_blooms, method):
    recipe = tiny_recipe(method, augmentations=("color", "rotation"), epochs=3)
    whole = run_of(recipe, tiny_blooms, tmp_path)
    expected = list(whole.steps())
    final = everything(whole)
    first = run_of(recipe, tiny_blooms, tmp_path)
    for done, _ in enumerate(first.steps(), 1):
        if done in STOPS:
            states.save(tmp_path / f"state-{done}.safetensors", first, {"recipe": 1})
        if done == max(STOPS):
            break
    for stop in STOPS:
        second = run_of(recipe, tiny_blooms, tmp_path)
        states.load(tmp_path / f"state-{stop}.safetensors", second, {"recipe": 1})
        got = list(second.steps())
        assert [one.losses for one in got] == [one.losses for one in expected[stop:]], stop
        resumed = everything(second)
        assert resumed.keys() == final.keys()
        assert all(torch.equal(value, resumed[name]) for name, value in final.items()), stop


def test_a_state_of_another_run_is_refused(tmp_path, tiny_blooms):
    run = run_of(tiny_recipe("moco"), tiny_blooms, tmp_path)
    states.save(tmp_path / "state.safetensors", run, {"recipe": 1, "images": "a"})
    with pytest.raises(UserError, match=r"another run \(images differ\)"):
        states.load(tmp_path / "state.safetensors", run, {"recipe": 1, "images": "b"})


def test_a_state_that_knows_the_names_and_sizes_of_its_images_alone_is_resumed():
    """As older versions wrote it."""
    former, now, changed = "b" * 64, f"content:{'a' * 64} sizes:{'b' * 64}", f"content:{'c' * 64} sizes:{'b' * 64}"
    identity = {"recipe": 1, "edition": now, "stylised": ""}
    assert states.is_same_identity({**identity, "edition": former}, identity)
    assert states.is_same_identity(identity, identity)
    assert not states.is_same_identity({**identity, "edition": changed}, identity)
    assert not states.is_same_identity({**identity, "edition": "d" * 64}, identity)
    assert not states.is_same_identity({**identity, "stylised": former}, identity)
    assert not states.is_same_identity({**identity, "recipe": 2}, identity)
    assert not states.is_same_identity({"recipe": 1, "edition": now}, identity)


@pytest.mark.parametrize("keep", [0, 8, 500, 20_000])
def test_a_state_that_was_cut_short_is_not_whole(tmp_path, tiny_blooms, keep):
    path = tmp_path / "state.safetensors"
    states.save(path, run_of(tiny_recipe("moco"), tiny_blooms, tmp_path), {})
    assert states.is_whole(path)
    path.write_bytes(path.read_bytes()[:keep])
    assert not states.is_whole(path)
