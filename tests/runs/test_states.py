"""A run that is stopped goes on to the very weights of the one that was not."""

import json
import multiprocessing
import os
import random
import signal
import time

import numpy as np
import pytest
import torch

from loocbench.checkpoints import native
from loocbench.data import blooms, preparing
from loocbench.errors import UserError
from loocbench.pretraining.loop import NotFiniteError, Run
from loocbench.runs import memory, states
from loocbench.runs import trainer as job
from loocbench.runs.settings import RunSettings
from loocbench.runs.train import train_recipe
from tests.conftest import TINY, Silent, tiny_recipe

CPU = torch.device("cpu")
LONG = tiny_recipe("looc", epochs=40)  # 120 steps


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


@pytest.mark.parametrize("keep", [0, 8, 500, 20_000])
def test_a_state_that_was_cut_short_is_not_whole(tmp_path, tiny_blooms, keep):
    path = tmp_path / "state.safetensors"
    states.save(path, run_of(tiny_recipe("moco"), tiny_blooms, tmp_path), {})
    assert states.is_whole(path)
    path.write_bytes(path.read_bytes()[:keep])
    assert not states.is_whole(path)


def train(recipe, dataset, folder, **options):
    return train_recipe(
        recipe,
        dataset,
        name="run",
        runs=folder / "runs",
        cache=folder / "cache",
        device="cpu",
        reporter=Silent(),
        **options,
    )


def test_states_come_and_go(tmp_path, tiny_blooms, monkeypatch):
    """The last two stay while the run goes on, none once it is finished; a damaged newest one is passed over."""
    seen = []
    real = job.Trainer._end_epoch

    def end_epoch(self, run, progress, look):
        real(self, run, progress, look)
        seen.append(len(self.folder.states()))
        if progress.epoch == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(job.Trainer, "_end_epoch", end_epoch)
    recipe = tiny_recipe("moco", epochs=5)
    with pytest.raises(UserError, match="stopped by SIGTERM at epoch 3 of 5"):
        train(recipe, tiny_blooms, tmp_path)
    assert seen == [1, 2, 2]
    folder = tmp_path / "runs" / "run"
    newest = max(folder.glob("state-*"))
    newest.write_bytes(newest.read_bytes()[:100])
    monkeypatch.setattr(job.Trainer, "_end_epoch", real)
    train(recipe, tiny_blooms, tmp_path, existing="resume")
    assert not list(folder.glob("state-*"))
    assert native.read_card(folder / native.FILE).epochs_done == 5
    lines = (folder / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4, 5]
    straight = train(recipe, tiny_blooms, tmp_path / "straight")
    assert native.read_card(straight).weights == native.read_card(folder / native.FILE).weights


def test_states_are_saved_in_between_when_asked(tmp_path, tiny_blooms, monkeypatch):
    saved = []
    real = states.save
    monkeypatch.setattr(states, "save", lambda path, *rest: (saved.append(path.name), real(path, *rest)))
    train(tiny_recipe("moco", epochs=2), tiny_blooms, tmp_path, settings=RunSettings(save_minutes=0.0))
    assert saved == [f"state-{step:09d}.safetensors" for step in (1, 2, 3, 4, 5, 6)]


@pytest.mark.parametrize("existing", ["refuse", "overwrite", "resume"])
def test_what_is_done_with_a_run_that_is_there(tmp_path, tiny_blooms, existing):
    recipe = tiny_recipe("moco")
    before = train(recipe, tiny_blooms, tmp_path).stat().st_mtime_ns
    if existing == "refuse":
        with pytest.raises(UserError, match="go on with --resume, --overwrite it"):
            train(recipe, tiny_blooms, tmp_path)
        return
    after = train(recipe, tiny_blooms, tmp_path, existing=existing).stat().st_mtime_ns
    assert (after != before) == (existing == "overwrite")  # a finished run has nothing to resume


def test_a_finished_run_of_other_images_is_not_this_one(tmp_path, tiny_blooms):
    train(tiny_recipe("moco"), tiny_blooms, tmp_path)
    others = blooms.make_blooms({"train": 64, "val": 32, "test": 32})
    with pytest.raises(UserError, match="no state to go on from; start again with --overwrite"):
        train(tiny_recipe("moco"), others, tmp_path, existing="resume")


def stop_after(monkeypatch, epochs):
    """The process is asked to stop when that many epochs are done."""
    real = job.Trainer._end_epoch

    def end_epoch(self, run, progress, monitor):
        real(self, run, progress, monitor)
        if progress.epoch == epochs:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(job.Trainer, "_end_epoch", end_epoch)


def test_overwriting_leaves_nothing_of_the_older_run_and_what_is_stopped_then_can_be_resumed(
    tmp_path, tiny_blooms, monkeypatch
):
    before = native.read_card(train(tiny_recipe("moco", epochs=2), tiny_blooms, tmp_path))
    folder = tmp_path / "runs" / "run"
    assert (folder / "best.safetensors").exists()
    recipe = tiny_recipe("looc", epochs=2)
    with monkeypatch.context() as context:
        stop_after(context, 1)
        with pytest.raises(UserError, match="stopped by SIGTERM at epoch 1 of 2"):
            train(recipe, tiny_blooms, tmp_path, existing="overwrite", settings=RunSettings(knn_every=0))
    assert not (folder / "best.safetensors").exists()
    after = native.read_card(train(recipe, tiny_blooms, tmp_path, existing="resume", settings=RunSettings(knn_every=0)))
    assert (after.recipe, after.epochs_done) == (recipe, 2)
    assert after.weights != before.weights


@pytest.mark.parametrize("changes", [{"groups": 2}, {"precision": "float16"}, {"keep_last": True, "batch_size": 40}])
def test_resuming_is_exact_in_every_way_of_training(tmp_path, tiny_blooms, monkeypatch, changes):
    recipe = tiny_recipe("looc", epochs=3, **changes)
    straight = native.read_card(train(recipe, tiny_blooms, tmp_path / "straight"))
    with monkeypatch.context() as context:
        stop_after(context, 1)
        with pytest.raises(UserError, match="stopped"):
            train(recipe, tiny_blooms, tmp_path)
    resumed = native.read_card(train(recipe, tiny_blooms, tmp_path, existing="resume"))
    assert resumed.weights == straight.weights


def test_a_run_of_another_recipe_cannot_be_resumed(tmp_path, tiny_blooms):
    train(tiny_recipe("moco"), tiny_blooms, tmp_path)
    with pytest.raises(UserError, match="no state to go on from; start again with --overwrite"):
        train(tiny_recipe("moco", epochs=2), tiny_blooms, tmp_path, existing="resume")


def test_a_loss_that_is_not_finite_names_its_images_and_the_last_good_checkpoint(tmp_path, tiny_blooms, monkeypatch):
    real = Run._step

    def step(self, batch):
        return real(self, batch) if self.position.epoch == 0 else np.array([np.nan])

    monkeypatch.setattr(Run, "_step", step)
    with pytest.raises(UserError, match=r"not finite at epoch 2, step 1 \(images bloom-") as caught:
        train(tiny_recipe("moco", epochs=3), tiny_blooms, tmp_path)
    assert f"the last good checkpoint is {tmp_path / 'runs' / 'run' / native.FILE}" in str(caught.value)
    assert isinstance(caught.value.__cause__, NotFiniteError)
    named = (tmp_path / "runs" / "run" / "not-finite.json").read_text()
    assert named.count("bloom-") == 32


def test_out_of_memory_says_which_batch_fits(tmp_path, tiny_blooms, monkeypatch):
    """A device on which 8 images fit, simulated where the networks are asked."""
    from loocbench.pretraining.contrastive_step import ContrastiveTraining

    real = ContrastiveTraining.step

    def step(self, share, queries, keys, labels):
        if len(queries) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, share, queries, keys, labels)

    monkeypatch.setattr(ContrastiveTraining, "step", step)
    with pytest.raises(UserError, match=r"groups of 32 images do not fit .*; 8 do: use --batch-size 8, or --groups 4"):
        train(tiny_recipe("looc"), tiny_blooms, tmp_path)
    monkeypatch.setattr(ContrastiveTraining, "step", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("no")))
    assert memory.fitting_group(tiny_recipe("looc"), CPU) == 0


def test_the_best_look_is_kept(tmp_path, tiny_blooms, monkeypatch):
    from loocbench.runs.knn_monitor import Monitor

    looks = iter([0.2, 0.9, 0.5])
    monkeypatch.setattr(Monitor, "accuracy", lambda self, network: next(looks))
    train(tiny_recipe("moco", epochs=3), tiny_blooms, tmp_path, settings=RunSettings(knn_every=1))
    folder = tmp_path / "runs" / "run"
    assert native.read_card(folder / "best.safetensors").epochs_done == 2
    assert native.read_card(folder / native.FILE).epochs_done == 3


def test_looking_changes_nothing(tmp_path, tiny_blooms):
    recipe = tiny_recipe("looc++", epochs=2)
    cards = [
        native.read_card(train(recipe, tiny_blooms, tmp_path / str(every), settings=RunSettings(knn_every=every)))
        for every in (0, 1)
    ]
    assert cards[0].weights == cards[1].weights


@pytest.mark.slow
@pytest.mark.skipif(
    not hasattr(os, "fork"), reason="processes are forked from one that has imported all, to start fast"
)
def test_twenty_kills_at_random_moments_end_in_the_same_weights(tmp_path, tiny_blooms):
    """kill -9 whenever it comes: what is there loads, and resuming ends bit for bit where an uninterrupted run does."""
    straight = native.read_card(train(LONG, tiny_blooms, tmp_path / "straight"))
    generator = random.Random(0)
    folder = tmp_path / "runs" / "run"

    context = multiprocessing.get_context("forkserver")  # of this process's threads a fork would know nothing
    context.set_forkserver_preload([__name__])

    for kill in range(20):
        process = context.Process(target=_go_on, args=(tmp_path,))
        before = _newest(folder)
        process.start()
        while _newest(folder) == before and process.is_alive():  # until it has come further
            time.sleep(0.002)
        time.sleep(generator.uniform(0, 0.05))
        assert process.is_alive(), f"it reached its end before kill {kill + 1}"
        process.kill()
        process.join()
        if (folder / native.FILE).exists():
            native.load(folder / native.FILE)
        assert any(states.is_whole(state) for state in folder.glob("state-*.safetensors"))
    _go_on(tmp_path)
    assert not list(folder.glob(".*.part"))  # what the killed had begun to write
    assert native.read_card(folder / native.FILE).weights == straight.weights


def _go_on(folder):
    train(LONG, blooms.make_blooms(TINY), folder, existing="resume", settings=RunSettings(save_minutes=0.0002))


def _newest(folder):
    return max((path.name for path in folder.glob("state-*.safetensors")), default="")
