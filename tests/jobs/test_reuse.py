"""A stored row is reused only if everything that determines its figures is equal; otherwise it says what differs."""

import json
from dataclasses import replace

import pytest
import torch

from loocbench.cards import tasks
from loocbench.checkpoints import card_file
from loocbench.features.inference_config import InferenceConfig
from loocbench.jobs import evaluation, reuse
from loocbench.jobs.settings import EvaluationSettings
from loocbench.records import store
from loocbench.types import Architecture
from tests.cli.conftest import loocbench  # noqa: F401  (a fixture)
from tests.data import layouts

TASK = "knn/blooms-color"


@pytest.fixture
def measured(checkpoint, only_tiny_blooms):
    row, path, _ = evaluation.evaluate_task(tasks.load_task(TASK), str(checkpoint), None, EvaluationSettings())
    return row, path


@pytest.fixture
def wanted(checkpoint, tiny_blooms):
    card = card_file.read_card(checkpoint)
    return reuse.Wanted(tasks.load_task(TASK), card, "looc", 0, InferenceConfig(), (tiny_blooms, None))


def change_preprocessing(wanted, **changes):
    preprocessing = wanted.checkpoint.preprocessing.model_copy(update=changes)
    return replace(wanted, checkpoint=wanted.checkpoint.model_copy(update={"preprocessing": preprocessing}))


def test_a_row_records_what_determines_it(measured, wanted):
    row, path = measured
    assert row.measured_with == reuse.make_conditions(wanted.task, wanted.checkpoint, wanted.inference)
    assert row.measured_with.preprocessing == wanted.checkpoint.preprocessing
    assert row.measured_with.network == {"method": "random", "backbone": "resnet8", "left_out": []}
    assert row.measured_with.protocol == wanted.task.protocol.model_dump(mode="json")
    assert row.measured_with.labels == ("color",)
    assert store.read_row(path) == row
    assert reuse.reuse_error(row, wanted) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image_size": 17}, "image_size 16, now 17"),
        ({"resize": 20}, "resize 18, now 20"),
        ({"mean": (0.5, 0.5, 0.5)}, "mean 0.485 0.456 0.406, now 0.5 0.5 0.5"),
        ({"std": (0.5, 0.5, 0.5)}, "std 0.229 0.224 0.225, now 0.5 0.5 0.5"),
    ],
)
def test_other_preprocessing_is_another_measurement(measured, wanted, changes, said):
    assert reuse.reuse_error(measured[0], change_preprocessing(wanted, **changes)) == f"was measured with {said}"


def test_another_network_or_numerics_or_protocol_is_another_measurement(measured, wanted):
    row = measured[0]
    options = {"num_heads": 3, "stem_padding": 1}
    vit = Architecture(name="timm:vit_tiny_patch16_224", options=options)
    card = wanted.checkpoint.model_copy(update={"recipe": None, "architecture": vit})
    said = reuse.reuse_error(row, replace(wanted, checkpoint=card))
    assert "num_heads none, now 3" in said
    assert "stem_padding none, now 1" in said
    compiled = reuse.reuse_error(row, replace(wanted, inference=InferenceConfig(compiled=True)))
    before = "numerics decoding 3, changes 1, features 4, float32, joined 1"
    assert compiled == f"was measured with {before}, now decoding 3, changes 1, features 4, float32, compiled 2"
    halved = reuse.reuse_error(row, replace(wanted, inference=InferenceConfig("bfloat16")))
    assert "bfloat16" in halved
    protocol = wanted.task.protocol.model_copy(update={"neighbours": (7,)})
    task = wanted.task.model_copy(update={"protocol": protocol})
    assert reuse.reuse_error(row, replace(wanted, task=task)).endswith(", now 7")


@pytest.mark.parametrize("version", ["decoding.NUMBER", "applying.VERSION", "cache_keys.VERSION"])
def test_images_that_are_decoded_or_changed_in_another_way_are_another_measurement(
    measured, wanted, monkeypatch, version
):
    """Cache keys knew of it, rows did not: the figure of the old pixels came back."""
    monkeypatch.setattr(f"loocbench.jobs.reuse.{version}", 99)
    assert " 99, " in reuse.reuse_error(measured[0], wanted)


def test_a_row_in_anothers_place_is_not_reused(measured, wanted):
    row = measured[0]
    assert reuse.reuse_error(row, replace(wanted, seed=1)) == "was measured with seed 0, now 1"
    assert reuse.reuse_error(row, replace(wanted, features="selected")).endswith("features looc, now selected")
    other = wanted.checkpoint.model_copy(update={"weights": "0" * 64})
    assert "weights" in reuse.reuse_error(row, replace(wanted, checkpoint=other))


def test_other_images_and_unreadable_files_are_said(measured, wanted, tiny_blooms):
    row, path = measured
    said = "was measured on other images of blooms"
    assert reuse.reuse_error(store.UnreadableRow(path, "it is torn"), wanted) == "is there, but it is torn"
    assert reuse.reuse_error(row.model_copy(update={"edition": "another"}), wanted) == said
    assert reuse.reuse_error(row.model_copy(update={"fingerprints": {}}), wanted) == said
    assert reuse.reuse_error(row.model_copy(update={"fingerprints": {}}), replace(wanted, data=None)) == ""
    assert reuse.reuse_error(row, replace(wanted, data=(tiny_blooms, tiny_blooms))) == said


def test_a_row_of_an_older_schema_is_reused_where_what_it_records_agrees(measured, wanted):
    """It does not record resize, mean, std, options of the network, protocol and rounding."""
    old = measured[0].model_copy(update={"measured_with": None})
    assert reuse.reuse_error(old, wanted) == ""
    assert reuse.reuse_error(old, change_preprocessing(wanted, mean=(0.5, 0.5, 0.5))) == ""
    assert reuse.reuse_error(old, change_preprocessing(wanted, image_size=17)).endswith("image_size 16, now 17")
    bfloat16 = replace(wanted, inference=InferenceConfig("bfloat16"))
    assert reuse.reuse_error(old, bfloat16) == "was measured with precision float32, now bfloat16"
    halved = old.model_copy(update={"stated": {"precision": "bfloat16"}})
    assert reuse.reuse_error(halved, bfloat16) == ""


def test_importing_again_with_other_settings_measures_nothing_silently(tmp_path, monkeypatch, loocbench):  # noqa: F811
    """Issue 18, item 1: the old figure came back (31.8 instead of 36.5)."""
    import torchvision

    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    torch.save(torchvision.models.resnet18().state_dict(), tmp_path / "r18.pth")
    layouts.make_folder(tmp_path / "D", images=10)

    def measure(*importing, overwrite=False):
        made = loocbench("checkpoints", "import", "r18.pth", "--name", "re", *importing)
        assert made.code == 0, made.err
        again = ["--overwrite"] if overwrite else []
        return loocbench("knn", "--checkpoint", "re", "--dataset", "folder:D", "--json", *again)

    first = measure("--image-size", "32")
    assert first.code == 0, first.err
    normalised = ("--image-size", "32", "--mean", ".5", ".5", ".5", "--std", ".5", ".5", ".5", "--overwrite")
    refused = measure(*normalised)
    assert refused.code == 2
    assert "mean 0.485 0.456 0.406, now 0.5 0.5 0.5" in refused.err
    again = measure(*normalised, overwrite=True)
    assert again.code == 0, again.err
    kept = json.loads(again.out)
    resized = measure(*normalised, "--resize", "40")
    assert resized.code == 2
    assert "resize 37, now 40" in resized.err
    assert json.loads(measure(*normalised).out) == kept
