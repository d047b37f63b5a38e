"""What holds no backbone is called what it is: adapters, optimizers, heads, quantised weights, other libraries' files.

Covers ``loocbench.checkpoints.foreign.not_a_backbone``.
"""

from __future__ import annotations

import zipfile

import pytest
import torch

from loocbench.checkpoints.foreign.not_a_backbone import describe_content
from tests.checkpoints.foreign.file_layouts import prefixed


def test_adapters(refused, tmp_path):
    layer = "base_model.model.vision_model.encoder.layers.0.self_attn.q_proj"
    torch.save(
        {f"{layer}.lora_A.weight": torch.zeros(8, 64), f"{layer}.lora_B.weight": torch.zeros(64, 8)},
        tmp_path / "lora.pth",
    )
    line = refused(tmp_path / tmp_path / "lora.pth")
    assert "holds adapters (LoRA) without the network that they change; merge them into it" in line
    assert "--map" not in line


def test_an_optimizers_state(refused, tmp_path, source):
    optimizer = torch.optim.AdamW(source.parameters())
    for parameter in source.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    assert "holds the state of an optimizer; give the file of the model's weights" in refused(tmp_path / "optimizer.pt")


def test_a_head_alone(refused, tmp_path):
    torch.save({"module.fc.weight": torch.zeros(9, 512), "module.fc.bias": torch.zeros(9)}, tmp_path / "head.pth")
    line = refused(tmp_path / "head.pth")
    assert "holds a head alone (module.fc); give the file with its backbone" in line


@pytest.mark.parametrize("how", ["every matrix", "with scales"])
def test_quantised_weights(refused, tmp_path, source, how):
    """Its message said to leave out the quantised layers."""
    state = dict(source.state_dict())
    for name, tensor in source.state_dict().items():
        if tensor.ndim == 4 and (how == "every matrix" or name.startswith("layer3")):
            state[name] = tensor.to(torch.int8)
            if how == "with scales":
                state[name.replace(".weight", ".SCB")] = torch.ones(len(tensor))
    torch.save(state, tmp_path / "net.pth")
    line = refused(tmp_path / "net.pth")
    assert "holds quantised weights; give those that it was made from, in float32, bfloat16 or float16" in line


def test_a_backbone_is_not_taken_for_anything_else(source):
    state = source.state_dict()
    for prefix in ("", "module.", "state_dict.encoder_q."):
        assert describe_content(prefixed(prefix, state)) == ""
    assert describe_content({**state, **{f"optimizer.state.{n}.exp_avg": t for n, t in list(state.items())[:9]}}) == ""


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("net.onnx", "an ONNX graph"),
        ("net.pb", "a graph of TensorFlow"),
        ("net.msgpack", "a file of Flax"),
    ],
)
def test_a_file_of_another_library_is_told_by_its_ending(refused, tmp_path, name, what):
    (tmp_path / name).write_bytes(b"\x08\x07\x12\x07pytorch" + bytes(100))
    assert f"{name} is {what}" in refused(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "what"), [("net.keras", "a model of Keras"), ("net.npz", "an archive of NumPy arrays")]
)
def test_a_zip_of_another_library_is_told_by_its_ending(refused, tmp_path, name, what):
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("kernel.npy", b"\x93NUMPY")
    assert f"{name} is {what}" in refused(tmp_path / name)


def test_a_folder_of_tensorflow(refused, tmp_path):
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(bytes(9))
    assert "is a SavedModel of TensorFlow" in refused(tmp_path / "saved")


def test_another_architecture_than_the_tensors(refused, tmp_path, source):
    torch.save(source.state_dict(), tmp_path / "net.pth")
    line = refused(tmp_path / "net.pth", "--arch", "resnet50")
    assert "its tensors are those of resnet18: leave --arch out, or use --arch, --head or --map." in line


def test_a_prefix_that_is_taken_out_anyway_is_no_advice(refused, tmp_path, source):
    part = {name: tensor for name, tensor in source.state_dict().items() if not name.startswith("layer4")}
    torch.save({"state_dict": part}, tmp_path / "net.pth")
    assert "--map" not in refused(tmp_path / "net.pth")
