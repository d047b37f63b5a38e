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
    return {
        f"{part}.{name}": value
        for part, module in run.training.modules().items()
        for name, value in module.state_dict().items()
    }


@pytest.mark.parametrize("method", ["moco", "moco++", "looc", "looc++", "add-one", "supervised"])
@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_a_state_holds_all_that_training_depends_on(tmp_path, tiny_blooms, method, stop_after):
    recipe = tiny_recipe(method, augmentations=("color", "rotation"), epochs=3)  # 3 steps an epoch
    whole = run_of(recipe, tiny_blooms, tmp_path)
    expected = list(whole.steps())
    first = run_of(recipe, tiny_blooms, tmp_path)
    for done, _ in enumerate(first.steps(), 1):
        if done == stop_after:
            break
    states.save(tmp_path / "state.safetensors", first, {"recipe": 1})
    second = run_of(recipe, tiny_blooms, tmp_path)
    states.load(tmp_path / "state.safetensors", second, {"recipe": 1})
    got = list(second.steps())
    assert [one.losses for one in got] == [one.losses for one in expected[stop_after:]]
    assert all(torch.equal(value, everything(second)[name]) for name, value in everything(whole).items())


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
