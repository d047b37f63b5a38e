"""A model that did not learn is known by its run, its checkpoint, its rows and the tables of them.

Covers ``loocbench.cli.runs`` and ``loocbench.report.table.notes`` from the command line.
"""

import json

import pytest

import loocbench as package
from loocbench.checkpoints import card_file, native
from loocbench.exports.model_card import render_model_card
from tests.cli.conftest import QUICKER

pytestmark = pytest.mark.usefixtures("only_tiny_blooms", "draft_pictures")
COLLAPSED = "the space invariant has collapsed"
ABSURD = ["--method", "moco", "--epochs", "2", "--learning-rate", "0.5", "--key-momentum", "0"]


@pytest.fixture
def collapsed(loocbench):
    """Run "mine" has collapsed; what its training printed."""
    said = loocbench("pretrain", "--name", "mine", *QUICKER, *ABSURD)
    assert said.code == 0, said.err
    return said


def test_a_collapsed_model_is_known_everywhere(collapsed, loocbench, tmp_path):
    flat = collapsed.err.replace("\n", " ")
    assert f"warning: after 1 of 2 epochs {COLLAPSED}" in flat
    assert "Try a lower --learning-rate (now 0.5) or a higher --key-momentum (now 0)." in flat
    shown = loocbench("runs", "show", "mine").out
    assert "signs of learning, epoch 2" in shown
    assert f"warning: after 2 of 2 epochs {COLLAPSED}" in shown
    (listed,) = json.loads(loocbench("runs", "ls", "--json").out)["runs"]
    assert list(listed["warnings"]) == [COLLAPSED]
    assert COLLAPSED in " ".join(loocbench("checkpoints", "inspect", "runs/mine").out.replace("│", "").split())
    assert f"| warning | {COLLAPSED} (mean cosine" in render_model_card(package.load("runs/mine"), "me/mine")

    said = loocbench("knn", "--label", "color", "--checkpoint", "mine", "--results", "results")
    assert f"When it was pretrained {COLLAPSED} (mean cosine" in said.err.replace("\n", " ")
    assert f"signs of learning: {COLLAPSED}" in said.out
    (path,) = (tmp_path / "results").rglob("*.json")
    assert json.loads(path.read_text())["stated"]["signs of learning"] == COLLAPSED
    table = loocbench("report", "--format", "markdown").out
    assert f"Signs of learning, MoCo (pretraining seed 0): {COLLAPSED}." in table
    assert "signs of learning from" not in table  # it is no condition of the measurement


def test_a_run_is_shown_at_80_columns_with_nothing_cut(loocbench, monkeypatch, tmp_path):
    learning = ["--method", "looc++", "--learning-rate", "0.5", "--key-momentum", "0"]
    assert loocbench("pretrain", "--name", "mine", *QUICKER, *learning, "--knn-every", "1").code == 0
    monkeypatch.setenv("COLUMNS", "80")
    shown = loocbench("runs", "show", "mine").out
    lines = [line for line in shown.splitlines() if not line.startswith("curves: ")]
    assert max(map(len, lines)) <= 80
    assert "…" not in shown
    heads = " ".join(line.replace("┃", " ") for line in lines if line.startswith("┃")).split()
    assert {"epoch", "loss", "invariant", "color", "rotation", "chance", "cosine", "images", "varies", "kNN"} <= set(
        heads
    )
    epochs, signs = shown.split("signs of learning, epoch 1")
    assert all(epochs.count(f" {name} ") == 1 for name in ("invariant", "color", "rotation"))
    assert "│ invariant │" in signs


def test_runs_of_older_versions_are_read_as_before(collapsed, loocbench, tmp_path):
    """Neither their logs nor their cards hold signs."""
    folder = tmp_path / "runs" / "mine"
    entries = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    added = {"chance_losses", "variation", "similarity", "effective_rank", "time", "checksum"}
    older = [{name: value for name, value in entry.items() if name not in added} for entry in entries]
    (folder / "log.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in older))
    checkpoint = native.load(folder / card_file.FILE)
    former = {name: value for name, value in checkpoint.card.model_dump(mode="json").items() if name != "warnings"}
    card = type(checkpoint.card).model_validate(former)
    assert card.warnings == {}
    native.save(folder / card_file.FILE, card, checkpoint.weights)
    said = loocbench("runs", "show", "mine")
    assert said.code == 0, said.err
    assert "signs of learning" not in said.out
    assert "warning" not in said.out
