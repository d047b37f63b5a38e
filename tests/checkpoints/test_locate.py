"""Checkpoints by reference: names, folders, files, and the newest run. Covers loocbench.checkpoints.listing, too."""

from __future__ import annotations

import os
import re

import pytest
import torchvision
from safetensors.torch import save_file

from loocbench.checkpoints import card_file, listing, locate, native, untrained
from loocbench.checkpoints.foreign import file_type
from loocbench.errors import UserError
from loocbench.runs.writing import RunWriter


@pytest.mark.parametrize("reference", ["looc", "runs/looc", "runs/looc/checkpoint.safetensors"])
def test_a_checkpoint_is_named_by_run_folder_or_file(trained, monkeypatch, reference):
    monkeypatch.chdir(trained["looc"].parents[2])
    assert locate.load(reference).card.name == "looc"


def test_the_newest_checkpoint_is_found_by_its_card_and_damaged_neighbours_are_passed_over(trained):
    runs = trained["looc"].parents[1]
    assert listing.find_newest(runs) == trained["looc++"]  # trained last
    damaged = runs / "damaged"
    damaged.mkdir()
    (damaged / card_file.FILE).write_bytes(b"no")
    try:
        assert listing.find_newest(runs) == trained["looc++"]
    finally:
        (damaged / card_file.FILE).unlink()
        damaged.rmdir()


def test_an_imported_checkpoint_is_never_the_newest_run(trained, tmp_path):
    runs = trained["looc"].parents[1]
    card = untrained.build_checkpoint("shufflenet_v2_x0_5", 0).card.model_copy(
        update={"created": "9999", "name": "imported"}
    )
    place = runs / "imported" / card_file.FILE
    native.save(place, card, untrained.build_checkpoint("shufflenet_v2_x0_5", 0).weights)
    try:
        assert listing.find_newest(runs) == trained["looc++"]
        assert locate.load("imported", runs=runs).card.name == "imported"
    finally:
        place.unlink()
        place.parent.rmdir()


def test_the_run_that_was_written_last_is_the_newest_though_the_clock_was_set_back(tmp_path):
    made = untrained.build_checkpoint("resnet8", 0, 16)
    for name, created in (("first", "2027"), ("second", "2026"), ("first", "2025"), ("third", "2024")):
        folder = RunWriter(tmp_path / "runs" / name)
        folder.save_checkpoint(made.card.model_copy(update={"created": created, "name": name}), dict(made.weights), [])
    assert listing.find_newest(tmp_path / "runs") == tmp_path / "runs" / "third" / card_file.FILE
    numbers = [
        card_file.read_card(tmp_path / "runs" / name / card_file.FILE).number for name in ("second", "first", "third")
    ]
    assert numbers == [2, 3, 4]
    again = RunWriter(tmp_path / "runs" / "third", replaces=True)
    again.save_checkpoint(made.card, dict(made.weights), [])
    assert card_file.read_card(again.checkpoint).number == 5


def test_a_foreign_file_may_call_something_else_a_card(tmp_path):
    """Metadata with a key ``card`` does not make a file one of ours; a damaged card of ours does not unmake it."""
    weights = torchvision.models.shufflenet_v2_x0_5().state_dict()
    save_file(weights, tmp_path / "foreign.safetensors", metadata={"card": "https://example.org/model-card"})
    assert not card_file.is_native(tmp_path / "foreign.safetensors")
    assert locate.load_file(tmp_path / "foreign.safetensors").card.source.kind == "file"
    made = untrained.build_checkpoint("resnet8", 0, 16)
    native.save(tmp_path / "ours.safetensors", made.card, made.weights)
    content = (tmp_path / "ours.safetensors").read_bytes()
    faults = ((b"0.485", b"0.985"), (b'"card"', b'"cbrd"'), (b"mean", b"nean"), (b"checksum", b"checksun"))
    for old, new in faults:
        assert old in content
        (tmp_path / "ours.safetensors").write_bytes(content.replace(old, new, 1))
        assert card_file.is_native(tmp_path / "ours.safetensors")
        with pytest.raises(UserError, match=r"the card of .* (was altered|is damaged|is not of this version)"):
            card_file.read_card(tmp_path / "ours.safetensors")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs")
def test_a_fifo_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "weights.pth")
    assert not card_file.is_native(tmp_path / "weights.pth")
    with pytest.raises(UserError, match="is not a file; name a file of weights"):
        file_type.detect_file_type(tmp_path / "weights.pth")


def test_no_checkpoint_yet(tmp_path):
    with pytest.raises(UserError, match="loocbench pretrain"):
        listing.find_newest(tmp_path / "runs")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("random:resnet9", "unknown backbone 'resnet9'. Did you mean"),
        ("loc", "unknown checkpoint 'loc'"),
        ("resnet8", "unknown checkpoint 'resnet8'; the untrained network of that name is random:resnet8."),
        ("random", "an untrained network is random:BACKBONE"),
        ("random:", "an untrained network is random:BACKBONE"),
        ("some/where.safetensors", "no checkpoint at some/where.safetensors"),
    ],
)
def test_a_wrong_reference_names_the_remedy(reference, message):
    with pytest.raises(UserError, match=message):
        locate.load(reference)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("torchvision:resnet5", "unknown torchvision model 'resnet5'. Did you mean"),
        ("torchvision:resnet50:V3", "unknown weights of resnet50 'V3'"),
        ("hf:resnet50", "does not name a repository; write hf:ORG/REPO"),
        ("random:resnet5", "unknown backbone 'resnet5'"),
        ("timm:resnet18.typo", "unknown timm model 'resnet18.typo'. Did you mean"),
        ("random:timm:resnet18.typo", "unknown timm model 'resnet18.typo'. Did you mean"),
    ],
)
def test_a_wrong_reference_is_one_line(reference, message):
    with pytest.raises(UserError, match=re.escape(message)):
        locate.load(reference)
