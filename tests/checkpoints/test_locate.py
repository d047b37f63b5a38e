"""Checkpoints by reference: names, folders, files, and the newest run."""

from __future__ import annotations

import re

import pytest

from loocbench.checkpoints import locate, native, untrained
from loocbench.errors import UserError


@pytest.mark.parametrize("reference", ["looc", "runs/looc", "runs/looc/checkpoint.safetensors"])
def test_a_checkpoint_is_named_by_run_folder_or_file(trained, monkeypatch, reference):
    monkeypatch.chdir(trained["looc"].parents[2])
    assert locate.load(reference).card.name == "looc"


def test_the_newest_checkpoint_is_found_by_its_card_and_damaged_neighbours_are_passed_over(trained):
    runs = trained["looc"].parents[1]
    assert locate.find_newest(runs) == trained["looc++"]  # trained last
    damaged = runs / "damaged"
    damaged.mkdir()
    (damaged / native.FILE).write_bytes(b"no")
    try:
        assert locate.find_newest(runs) == trained["looc++"]
    finally:
        (damaged / native.FILE).unlink()
        damaged.rmdir()


def test_an_imported_checkpoint_is_never_the_newest_run(trained, tmp_path):
    runs = trained["looc"].parents[1]
    card = untrained.build_checkpoint("shufflenet_v2_x0_5", 0).card.model_copy(
        update={"created": "9999", "name": "imported"}
    )
    place = runs / "imported" / native.FILE
    native.save(place, card, untrained.build_checkpoint("shufflenet_v2_x0_5", 0).weights)
    try:
        assert locate.find_newest(runs) == trained["looc++"]
        assert locate.load("imported", runs=runs).card.name == "imported"
    finally:
        place.unlink()
        place.parent.rmdir()


def test_no_checkpoint_yet(tmp_path):
    with pytest.raises(UserError, match="loocbench pretrain"):
        locate.find_newest(tmp_path / "runs")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("random:resnet9", "unknown backbone 'resnet9'. Did you mean"),
        ("loc", "unknown checkpoint 'loc'"),
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
