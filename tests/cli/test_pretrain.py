"""``loocbench pretrain``, ``runs`` and ``recipes`` as a person uses them.

Covers ``loocbench.cli.pretrain``, ``loocbench.cli.pretrain_options``, ``loocbench.cli.runs``,
``loocbench.cli.recipes``,
``loocbench.jobs.runs``, ``loocbench.jobs.resuming``, ``loocbench.jobs.run_differences``,
``loocbench.runs.run_options``, ``loocbench.runs.tensorboard``,
``loocbench.runs.stylised``.
"""

import json
import os
import signal
import sys

import pytest
from PIL import Image

from loocbench.cards import recipes
from loocbench.checkpoints import card_file
from loocbench.data import catalog
from loocbench.errors import UserError
from loocbench.jobs.pretrain import pretrain
from loocbench.pretraining import schedule
from loocbench.pretraining.labels import model_label
from loocbench.runs.train import train_recipe
from tests.cli.conftest import QUICK, QUICKER
from tests.conftest import Silent
from tests.data import layouts

pytestmark = pytest.mark.usefixtures("only_tiny_blooms")


@pytest.mark.parametrize(
    ("options", "label"),
    [
        (["--method", "supervised"], "Supervised"),
        (["--method", "moco", "--augment", "color", "--augment", "rotation"], "MoCo + Rotation"),
        (
            ["--method", "moco", "--augment", "color", "--augment", "rotation", "--same", "rotation"],
            "MoCo + Rotation (same for q and k)",
        ),
        (["--method", "add-one"], "Add-one (color, rotation)"),
        (["--method", "looc", "--leave-out", "texture"], "LooC (texture)"),
        (["--recipe", "small/looc-rotation"], "LooC (rotation)"),
        (["--recipe", "small/looc++-texture"], "LooC++ (color, rotation, texture)"),
        (["--recipe", "small/looc", "--method", "moco"], "MoCo + Rotation"),
    ],
)
def test_every_row_of_the_tables_can_be_trained_and_measured(loocbench, tmp_path, options, label):
    small = ["--dataset", "blooms", "--backbone", "resnet8", *QUICKER]
    assert loocbench("pretrain", "--name", "mine", *options, *small).code == 0
    card = card_file.read_card(tmp_path / "runs" / "mine" / card_file.FILE)
    assert model_label(card) == label
    assert loocbench("probe", "--checkpoint", "mine").code == 0
    assert label.split(" (")[0] in loocbench("report").out.replace("\n", " ")


def test_a_recipe_card_says_everything_and_options_change_it(loocbench, tmp_path):
    small = [
        "--dataset",
        "blooms",
        "--backbone",
        "resnet8",
        "--image-size",
        "16",
        "--batch-size",
        "32",
        "--epochs",
        "1",
    ]
    assert loocbench("pretrain", "--recipe", "paper/moco", "--name", "mine", *small).code == 0
    recipe = card_file.read_card(tmp_path / "runs" / "mine" / card_file.FILE).recipe
    assert (recipe.queue_size, recipe.key_momentum, recipe.learning_rate) == (16384, 0.999, 0.03)
    assert (recipe.backbone, recipe.epochs, recipe.milestones) == ("resnet8", 1, (0, 0))  # 60 % and 80 % of 1
    said = loocbench("recipes", "show", "paper/looc++")
    assert 'method = "looc++"' in said.out
    listed = {one["recipe"]: one for one in json.loads(loocbench("recipes", "ls", "--json").out)["recipes"]}
    assert set(listed) == set(recipes.recipe_names())
    assert "paper/moco-rotation-same" in loocbench("recipes", "ls").out


def test_an_unknown_recipe_gets_a_suggestion(one_line):
    assert "Did you mean 'paper/looc'" in one_line("pretrain", "--recipe", "paper/loc")


def test_stop_and_resume_on_the_command_line(loocbench, one_line, tmp_path, monkeypatch):
    from loocbench.runs.trainer import Trainer

    real = Trainer._end_epoch

    def end_epoch(self, run, progress, monitor):
        real(self, run, progress, monitor)
        if progress.epoch == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    command = ["pretrain", *QUICKER, "--epochs", "4", "--name"]
    assert loocbench(*command, "straight").code == 0
    monkeypatch.setattr(Trainer, "_end_epoch", end_epoch)
    assert "stopped by SIGTERM at epoch 2 of 4" in one_line(*command, "mine", code=143)
    (one,) = [one for one in json.loads(loocbench("runs", "ls", "--json").out)["runs"] if one["name"] == "mine"]
    assert (one["state"], one["epochs_done"]) == ("stopped", 2)
    refused = one_line(*command, "mine", "--resume", "--learning-rate", "0.1")
    assert "was begun with --learning-rate 0.03 (now 0.1); leave out what differs" in refused
    monkeypatch.setattr(Trainer, "_end_epoch", real)
    said = loocbench(*command, "mine", "--resume")
    assert said.code == 0
    assert "resuming at epoch 3, step 1" in said.err
    weights = [card_file.read_card(tmp_path / "runs" / name / card_file.FILE).weights for name in ("straight", "mine")]
    assert weights[0] == weights[1]
    again = loocbench(*command, "mine", "--resume")
    assert again.code == 0
    assert "is finished: 4 of 4 epochs" in again.err


@pytest.fixture
def stopped_after(monkeypatch):
    """Call with a number of steps: SIGTERM comes when a run has done them. With None nothing comes any more."""
    from loocbench.pretraining.loop import Run

    real = Run._step

    def set_steps(steps):
        def step(self, batch):
            if self.steps_done + 1 == steps:
                os.kill(os.getpid(), signal.SIGTERM)
            return real(self, batch)

        monkeypatch.setattr(Run, "_step", step)

    return set_steps


OWN = ["--method", "moco", "--image-size", "16", "--batch-size", "32", "--epochs", "2", "--queue-size", "64"]


def test_a_run_stopped_in_its_first_epoch_is_listed_and_resumed_by_its_name_alone(
    loocbench, one_line, tmp_path, stopped_after
):
    assert loocbench("pretrain", *OWN, "--seed", "3", "--knn-every", "1", "--name", "straight").code == 0
    stopped_after(2)
    message = one_line("pretrain", *OWN, "--seed", "3", "--knn-every", "1", "--name", "mine", code=143)
    assert message.endswith("Go on with: loocbench pretrain --resume mine")
    (one,) = [one for one in json.loads(loocbench("runs", "ls", "--json").out)["runs"] if one["name"] == "mine"]
    assert (one["state"], one["epochs_done"]) == ("stopped", 0)
    assert "0/2" in loocbench("runs", "ls").out
    assert [one["name"] for one in json.loads(loocbench("checkpoints", "ls", "--json").out)["checkpoints"]] == [
        "straight"
    ]
    stopped_after(None)
    said = loocbench("pretrain", "--resume", "mine")
    assert said.code == 0, said.err
    assert "resuming at epoch 1, step 3" in said.err
    cards = [card_file.read_card(tmp_path / "runs" / name / card_file.FILE) for name in ("straight", "mine")]
    assert cards[0].weights == cards[1].weights
    assert cards[0].recipe == cards[1].recipe
    log = [json.loads(line) for line in (tmp_path / "runs" / "mine" / "log.jsonl").read_text().splitlines()]
    assert all("knn" in line for line in log)  # --knn-every 1 was kept
    assert "is finished: 2 of 2 epochs" in loocbench("pretrain", "--resume", "mine").err


def test_options_that_differ_from_the_run_are_named_in_one_line(loocbench, one_line, tmp_path, stopped_after):
    stopped_after(2)
    one_line("pretrain", *OWN, "--name", "mine", code=143)
    again = one_line("pretrain", "--resume", "mine", "--batch-size", "16", "--augment", "rotation", "--seed", "0")
    assert again == (
        "loocbench: run mine was begun with --augment color (now rotation), --batch-size 32 (now 16); "
        "leave out what differs, or begin another run with another --name."
    )
    assert "--dataset blooms (now folder:pets)" in one_line("pretrain", "--resume", "mine", "--dataset", "folder:pets")
    assert "no --compile (now --compile)" in one_line("pretrain", "--resume", "mine", "--compile")
    assert "--drop-last (now --keep-last)" in one_line("pretrain", "--resume", "mine", "--keep-last")
    assert "--recipe other settings (now paper/moco)" in one_line(
        "pretrain", "--resume", "mine", "--recipe", "paper/moco"
    )
    assert "Did you mean 'mine'" in one_line("pretrain", "--resume", "mime")
    assert "leave --name other out" in one_line("pretrain", "--resume", "mine", "--name", "other")
    stopped_after(None)
    same = ["--method", "moco", "--batch-size", "32", "--augment", "color", "--keep", "1", "--dataset", "blooms"]
    assert loocbench("pretrain", "--resume", "mine", *same, "--keep-epoch", "2").code == 0
    assert card_file.read_card(tmp_path / "runs" / "mine" / "epoch-0002.safetensors").name == "mine-epoch2"


def test_epochs_that_a_resumed_run_is_to_keep_are_added_to_its_own(loocbench, one_line, tmp_path, stopped_after):
    stopped_after(2)
    one_line("pretrain", *OWN, "--name", "mine", "--keep-epoch", "1", code=143)
    stopped_after(None)
    assert loocbench("pretrain", "--resume", "mine", "--keep-epoch", "2").code == 0
    kept = sorted(path.name for path in (tmp_path / "runs" / "mine").glob("epoch-*"))
    assert kept == ["epoch-0001.safetensors", "epoch-0002.safetensors"]
    assert "kept: mine-epoch1, mine-epoch2 (as --checkpoint)" in loocbench("runs", "show", "mine").out
    found = json.loads(loocbench("checkpoints", "ls", "--json").out)["checkpoints"]
    assert [(one["name"], one["epochs_done"]) for one in found] == [("mine", 2), ("mine-epoch1", 1), ("mine-epoch2", 2)]
    assert "1 of 2 epochs" in " ".join(loocbench("checkpoints", "inspect", "mine-epoch1").out.split())
    assert loocbench("knn", "--label", "color", "--checkpoint", "mine-epoch1").code == 0
    assert "Did you mean 'mine-epoch2'" in one_line("knn", "--checkpoint", "mine-epoch3")


def test_epochs_to_keep_must_be_the_runs_and_their_names_are_no_names_of_runs(loocbench, one_line, tmp_path):
    for dry in ([], ["--dry-run"]):
        told = one_line("pretrain", *OWN, "--name", "mine", "--keep-epoch", "3", *dry)
        assert "--keep-epoch 3 is not one of the epochs, 1 to 2" in told
    for epoch in (0, "2", True):
        with pytest.raises(UserError, match=f"--keep-epoch {epoch} is not one of"):
            pretrain("moco", "blooms", keep_epochs=[epoch], runs=tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*"))


def test_the_last_epoch_before_an_extension_can_be_kept(loocbench, one_line, tmp_path):
    assert loocbench("pretrain", *OWN, "--name", "mine").code == 0
    before = card_file.read_card(tmp_path / "runs" / "mine" / card_file.FILE)
    asked = ["--keep-epoch", "2", "--keep-epoch", "3"]
    assert "epochs, 1 to 3" in one_line("pretrain", "--resume", "mine", "--extend", "1", "--keep-epoch", "4")
    assert loocbench("pretrain", "--resume", "mine", "--extend", "1", *asked).code == 0
    kept = card_file.read_card(tmp_path / "runs" / "mine" / "epoch-0002.safetensors")
    assert (kept.name, kept.weights, kept.recipe) == ("mine-epoch2", before.weights, before.recipe)
    assert card_file.read_card(tmp_path / "runs" / "mine" / "epoch-0003.safetensors").recipe.extended == (2,)


def test_a_run_of_an_older_version_is_resumed_from_what_its_card_says(loocbench, one_line, tmp_path, stopped_after):
    stopped_after(4)
    one_line("pretrain", *OWN, "--name", "mine", code=143)  # in its second epoch
    (tmp_path / "runs" / "mine" / "run.json").unlink()
    stopped_after(None)
    assert loocbench("pretrain", "--resume", "mine").code == 0
    assert card_file.read_card(tmp_path / "runs" / "mine" / card_file.FILE).epochs_done == 2


def test_a_finished_run_is_extended_to_what_training_on_would_have_given(loocbench, one_line, tmp_path, stopped_after):
    """Its witness: the recipe of the card, trained in one go."""
    assert loocbench("pretrain", *OWN, "--name", "mine").code == 0
    stopped_after(8)
    assert "at epoch 3 of 4" in one_line("pretrain", "--resume", "mine", "--extend", "2", code=143)
    (one,) = json.loads(loocbench("runs", "ls", "--json").out)["runs"]
    assert (one["state"], one["epochs_done"]) == ("stopped", 2)
    assert "finish it with --resume mine" in one_line("pretrain", "--resume", "mine", "--extend", "2")
    stopped_after(None)
    assert loocbench("pretrain", "--resume", "mine").code == 0
    card = card_file.read_card(tmp_path / "runs" / "mine" / card_file.FILE)
    assert (card.epochs_done, card.recipe.epochs, card.recipe.extended) == (4, 4, (2,))
    log = [json.loads(line) for line in (tmp_path / "runs" / "mine" / "log.jsonl").read_text().splitlines()]
    rates = [schedule.cosine(0.03, epoch, epochs) for epoch, epochs in ((0, 2), (1, 2), (2, 4), (3, 4))]
    assert [line["learning_rate"] for line in log] == pytest.approx(rates)
    witness = train_recipe(
        card.recipe,
        catalog.open_dataset("blooms"),
        name="witness",
        runs=tmp_path / "runs",
        cache=tmp_path / "cache",
        device="cpu",
        reporter=Silent(),
    )
    assert card_file.read_card(witness).weights == card.weights


def test_what_an_extension_needs_and_which_rates_it_has_is_said(loocbench, one_line, tmp_path):
    assert loocbench("pretrain", *OWN, "--name", "mine").code == 0
    assert "--extend goes with --resume NAME" in one_line("pretrain", "--extend", "2")
    said = loocbench("pretrain", "--resume", "mine", "--extend", "2").err
    assert "epochs 3 to 4, learning rate 0.015 to 0.00439 (those of a cosine over 4 epochs; 0.015 at the end" in said
    (tmp_path / "runs" / "mine" / "final.safetensors").unlink()
    assert "has no final.safetensors" in one_line("pretrain", "--resume", "mine", "--extend", "2")


def test_resume_and_overwrite_exclude_each_other(one_line):
    assert "exclude each other" in one_line("pretrain", "--resume", "--overwrite")


def test_runs_are_listed_and_drawn(loocbench, one_line, tmp_path):
    assert loocbench("pretrain", *QUICKER, "--epochs", "3", "--name", "mine", "--knn-every", "1").code == 0
    table = loocbench("runs", "ls").out
    assert "finished" in table
    assert "3/3" in table
    said = loocbench("runs", "show", "mine")
    assert "LooC (color, rotation) on blooms, finished" in said.out
    picture = tmp_path / "runs" / "mine" / "curves.png"
    assert f"curves: {picture.relative_to(tmp_path)}" in said.out
    assert Image.open(picture).size[0] > 1000  # losses, alignment, uniformity, signs of learning, kNN
    log = [json.loads(line) for line in (tmp_path / "runs" / "mine" / "log.jsonl").read_text().splitlines()]
    assert [entry["epoch"] for entry in log] == [1, 2, 3]
    for entry in log:
        assert (
            set(entry["losses"])
            == set(entry["alignment"])
            == set(entry["uniformity"])
            == {"invariant", "color", "rotation"}
        )
        assert 0 <= entry["knn"] <= 1
        assert all(0 <= value <= 4 for value in entry["alignment"].values())
        assert all(value <= 0 for value in entry["uniformity"].values())
    assert "Did you mean 'mine'" in one_line("runs", "show", "mone")


def test_stylised_copies_are_used_and_required(loocbench, one_line, tmp_path):
    for folder, images in (("pets", 20), ("painted", 20)):
        layouts.make_folder(tmp_path / folder, images=images)
    command = [
        "pretrain",
        "--dataset",
        "folder:pets",
        "--leave-out",
        "texture",
        "--texture",
        "stylised",
        *QUICK,
        "--name",
        "mine",
    ]
    assert "belong together" in one_line(*command)
    assert "belong together" in one_line("pretrain", "--stylised", "painted", *QUICK)
    assert loocbench(*command, "--stylised", "painted").code == 0
    assert card_file.read_card(tmp_path / "runs" / "mine" / card_file.FILE).recipe.texture == "stylised"
    (tmp_path / "painted" / "cat").rename(tmp_path / "painted" / "elsewhere")
    assert "has no stylised copy of cat/" in one_line(*command, "--stylised", "painted", "--overwrite")


def test_the_log_for_tensorboard_is_the_log(loocbench, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert loocbench("pretrain", "--name", "mine", "--tensorboard", *QUICKER).code == 0
    folder = tmp_path / "runs" / "mine"
    (line,) = (json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines())
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    for name, value in {
        "loss": line["loss"],
        "knn": line["knn"],
        "losses/color": line["losses"]["color"],
        "uniformity/rotation": line["uniformity"]["rotation"],
        "similarity/rotation": line["similarity"]["rotation"],
        "variation/rotation/color": line["variation"]["rotation"]["color"],
        "effective_rank": line["effective_rank"],
    }.items():
        (point,) = events.Scalars(name)
        assert (point.step, point.value) == (1, pytest.approx(value, rel=1e-5))


def test_what_is_missing_is_named(one_line, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert "pip install 'loocbench[tensorboard]'" in one_line("pretrain", "--tensorboard", *QUICK)
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "--compile needs a C++ compiler" in one_line("pretrain", "--compile", *QUICK)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--precision", "float8"], "bad value for precision"),
        (["--groups", "5"], "a batch of 8 cannot be split into 5 groups of 2; lower --groups."),
        (["--groups", "0"], "bad value for groups"),
    ],
)
def test_settings_that_cannot_be_are_refused(one_line, options, message):
    assert message in one_line("pretrain", *options, *QUICK)


def test_the_last_batch_is_kept_when_asked(loocbench, tmp_path):
    """96 images in batches of 20: four of them, and one of 16."""
    options = ["--method", "moco", *QUICK, "--batch-size", "20"]
    for name, flag, steps in (("dropped", "--drop-last", 4), ("kept", "--keep-last", 5)):
        assert loocbench("pretrain", "--name", name, flag, *options).code == 0
        assert json.loads((tmp_path / "runs" / name / "log.jsonl").read_text())["steps"] == steps
