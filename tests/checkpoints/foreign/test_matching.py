"""loocbench.checkpoints.foreign.matching: every tensor fits, or the import is an error that names it."""

from __future__ import annotations

import pytest
import torch

from tests.checkpoints.foreign.helpers import (
    TENSOR,
    assert_features_equal,
    compute_spaces,
    import_file,
    random_images,
    save_file_as,
)


def test_half_precision_becomes_float32_and_is_said(source, tmp_path):
    torch.save({name: t.half() if t.is_floating_point() else t for name, t in source.state_dict().items()}, "half.pth")
    found, checkpoint = import_file(tmp_path / "half.pth")
    assert "float16 made float32" in found.notes
    assert {tensor.dtype for tensor in checkpoint.weights.values()} == {torch.float32, torch.int64}


def test_counters_of_batches_may_be_absent(source, tmp_path):
    kept = {name: t for name, t in source.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(kept, tmp_path / "old.pth")
    found, checkpoint = import_file(tmp_path / "old.pth")
    assert found.notes[-1] == "20 num_batches_tracked absent, set to 0 (only training reads them)"
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images())["general"], source(random_images()))


def missing(weights):
    del weights[TENSOR]


def renamed(weights):
    weights["stage2.1.branch3.0.weight"] = weights.pop(TENSOR)


def misshapen(weights):
    weights[TENSOR] = weights[TENSOR][:-1].clone()


def not_finite(weights):
    weights[TENSOR] = weights[TENSOR].clone()
    weights[TENSOR][0, 0] = float("nan")


def of_integers(weights):
    weights[TENSOR] = weights[TENSOR].to(torch.int32)


def complex_valued(weights):
    weights[TENSOR] = weights[TENSOR].to(torch.complex64)


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (missing, f"missing net.{TENSOR}."),
        (renamed, f"missing net.{TENSOR}; unexpected stage2.1.branch3.0.weight."),
        (misshapen, f"{TENSOR} has shape [23, 24, 1, 1], the network [24, 24, 1, 1]"),
        (not_finite, f"{TENSOR} holds values that are not finite"),
        (of_integers, f"{TENSOR} holds int32, the network float32"),
        (complex_valued, f"{TENSOR} holds complex64, the network float32"),
    ],
)
def test_one_wrong_tensor(weights, refused, tmp_path, fault, message, name):
    faulty = dict(weights)
    fault(faulty)
    line = refused(save_file_as(faulty, tmp_path / name))
    assert "does not fit torchvision:shufflenet_v2_x0_5" in line
    assert message in line


def test_a_tensor_without_values(weights, refused, tmp_path):
    faulty = {**weights, TENSOR: weights[TENSOR].to("meta")}
    assert f"{TENSOR} has no values in the file" in refused(save_file_as(faulty, tmp_path / "net.pth"))
