"""What is done with a run that is there, and that a stopped one is resumed to the very weights of one that was not.

Covers ``loocbench.runs.train``, ``loocbench.runs.trainer``, ``loocbench.runs.folder``, ``loocbench.runs.signals``,
``loocbench.runs.settings``.
"""

import json
import os
import signal

import pytest

from loocbench.checkpoints import card_file, native
from loocbench.data import blooms
from loocbench.errors import UserError
from loocbench.runs import states, trainer
from loocbench.runs.settings import RunSettings
from tests.conftest import Silent, tiny_recipe
from tests.runs.training import stop_after, train


class Collecting(Silent):
    def __init__(self):
        self.messages = []

    def info(self, message):
        self.messages.append(message)


def test_states_come_and_go(tmp_path, tiny_blooms, monkeypatch):
    """The last two stay while the run goes on, none once it is finished; a damaged newest one is passed over."""
    seen = []
    real = trainer.Trainer._end_epoch

    def end_epoch(self, run, progress, monitor):
        real(self, run, progress, monitor)
        seen.append(len(self.folder.states()))
        if progress.epoch == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(trainer.Trainer, "_end_epoch", end_epoch)
    recipe = tiny_recipe("moco", epochs=5)
    with pytest.raises(UserError, match="stopped by SIGTERM at epoch 3 of 5"):
        train(recipe, tiny_blooms, tmp_path)
    assert seen == [1, 2, 2]
    folder = tmp_path / "runs" / "run"
    newest = max(folder.glob("state-*"))
    newest.write_bytes(newest.read_bytes()[:100])
    monkeypatch.setattr(trainer.Trainer, "_end_epoch", real)
    train(recipe, tiny_blooms, tmp_path, existing="resume")
    assert not list(folder.glob("state-*"))
    assert card_file.read_card(folder / card_file.FILE).epochs_done == 5
    lines = (folder / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4, 5]
    straight = train(recipe, tiny_blooms, tmp_path / "straight")
    assert card_file.read_card(straight).weights == card_file.read_card(folder / card_file.FILE).weights


def test_states_are_saved_in_between_when_asked(tmp_path, tiny_blooms, monkeypatch):
    saved = []
    real = states.save
    monkeypatch.setattr(states, "save", lambda path, *rest: (saved.append(path.name), real(path, *rest)))
    train(tiny_recipe("moco", epochs=2), tiny_blooms, tmp_path, settings=RunSettings(save_minutes=0.0))
    assert saved == [f"state-{step:09d}.safetensors" for step in (1, 2, 3, 4, 5, 6)]


def test_the_checkpoints_of_chosen_epochs_are_kept_as_checkpoints_of_their_own(tmp_path, tiny_blooms):
    settings = RunSettings(keep_epochs=(1, 3))
    last = native.load(train(tiny_recipe("moco", epochs=3), tiny_blooms, tmp_path, settings=settings))
    kept = [native.load(tmp_path / "runs" / "run" / f"epoch-000{epoch}.safetensors") for epoch in (1, 3)]
    assert [(one.card.name, one.card.epochs_done, one.card.recipe) for one in kept] == [
        ("run-epoch1", 1, last.card.recipe),
        ("run-epoch3", 3, last.card.recipe),
    ]
    assert kept[0].card.weights != kept[1].card.weights == last.card.weights


def train_two_of_three_epochs(dataset, folder, monkeypatch):
    """The recipe of a run that was stopped after its second epoch."""
    recipe = tiny_recipe("moco", epochs=3)
    with monkeypatch.context() as patched:
        stop_after(patched, 2)
        with pytest.raises(UserError, match="at epoch 2 of 3"):
            train(recipe, dataset, folder)
    return recipe


def test_an_epoch_cannot_be_kept_once_it_has_passed_unless_it_is_the_last_one_done(tmp_path, tiny_blooms, monkeypatch):
    recipe = train_two_of_three_epochs(tiny_blooms, tmp_path, monkeypatch)
    told = Collecting()
    settings = RunSettings(keep_epochs=(1, 3))
    train(recipe, tiny_blooms, tmp_path, existing="resume", settings=settings, reporter=told)
    lost = "run: epoch {} has passed without being kept; train again under another --name to have what is missing"
    assert lost.format(1) in told.messages
    kept = tmp_path / "runs" / "run" / "epoch-0003.safetensors"
    assert list(kept.parent.glob("epoch-*")) == [kept]
    before = kept.read_bytes()
    kept.unlink()
    train(recipe, tiny_blooms, tmp_path, existing="resume", settings=RunSettings(keep_epochs=(2, 3)), reporter=told)
    assert lost.format(2) in told.messages
    assert list(kept.parent.glob("epoch-*")) == [kept]  # a finished run has its last epoch still
    assert kept.read_bytes() == before


def test_a_damaged_checkpoint_hinders_no_resuming_from_a_whole_state(tmp_path, tiny_blooms, monkeypatch):
    recipe = train_two_of_three_epochs(tiny_blooms, tmp_path, monkeypatch)
    checkpoint = tmp_path / "runs" / "run" / card_file.FILE
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    assert train(recipe, tiny_blooms, tmp_path, existing="resume", settings=RunSettings(keep_epochs=(1,))) == checkpoint
    assert card_file.read_card(checkpoint).epochs_done == 3
    train(recipe, tiny_blooms, tmp_path, existing="overwrite")
    assert not list((tmp_path / "runs" / "run").glob("epoch-*"))


@pytest.mark.parametrize("existing", ["refuse", "overwrite", "resume"])
def test_what_is_done_with_a_run_that_is_there(tmp_path, tiny_blooms, existing):
    recipe = tiny_recipe("moco")
    before = train(recipe, tiny_blooms, tmp_path).stat().st_mtime_ns
    if existing == "refuse":
        with pytest.raises(UserError, match="resume it with --resume, replace it with --overwrite"):
            train(recipe, tiny_blooms, tmp_path)
        return
    after = train(recipe, tiny_blooms, tmp_path, existing=existing).stat().st_mtime_ns
    assert (after != before) == (existing == "overwrite")  # a finished run has nothing to resume


def test_a_finished_run_of_other_images_is_not_this_one(tmp_path, tiny_blooms):
    train(tiny_recipe("moco"), tiny_blooms, tmp_path)
    others = blooms.make_blooms({"train": 64, "val": 32, "test": 32})
    with pytest.raises(UserError, match="no saved state to resume from; start again with --overwrite"):
        train(tiny_recipe("moco"), others, tmp_path, existing="resume")


def test_overwriting_leaves_nothing_of_the_older_run_and_what_is_stopped_then_can_be_resumed(
    tmp_path, tiny_blooms, monkeypatch
):
    before = card_file.read_card(train(tiny_recipe("moco", epochs=2), tiny_blooms, tmp_path))
    folder = tmp_path / "runs" / "run"
    assert (folder / "best.safetensors").exists()
    recipe = tiny_recipe("looc", epochs=2)
    with monkeypatch.context() as context:
        stop_after(context, 1)
        with pytest.raises(UserError, match="stopped by SIGTERM at epoch 1 of 2"):
            train(recipe, tiny_blooms, tmp_path, existing="overwrite", settings=RunSettings(knn_every=0))
    assert not (folder / "best.safetensors").exists()
    after = card_file.read_card(
        train(recipe, tiny_blooms, tmp_path, existing="resume", settings=RunSettings(knn_every=0))
    )
    assert (after.recipe, after.epochs_done) == (recipe, 2)
    assert after.weights != before.weights


@pytest.mark.parametrize("changes", [{"groups": 2}, {"precision": "float16"}, {"keep_last": True, "batch_size": 12}])
def test_resuming_is_exact_in_every_way_of_training(tmp_path, monkeypatch, changes):
    few = blooms.make_blooms({"train": 32, "val": 16, "test": 16})  # float16 is slow on a CPU
    recipe = tiny_recipe("looc", epochs=2, **{"batch_size": 16, **changes})
    straight = card_file.read_card(train(recipe, few, tmp_path / "straight"))
    with monkeypatch.context() as context:
        stop_after(context, 1)
        with pytest.raises(UserError, match="stopped"):
            train(recipe, few, tmp_path)
    resumed = card_file.read_card(train(recipe, few, tmp_path, existing="resume"))
    assert resumed.weights == straight.weights


def test_a_run_of_another_recipe_cannot_be_resumed(tmp_path, tiny_blooms):
    train(tiny_recipe("moco"), tiny_blooms, tmp_path)
    with pytest.raises(UserError, match="no saved state to resume from; start again with --overwrite"):
        train(tiny_recipe("moco", epochs=2), tiny_blooms, tmp_path, existing="resume")
