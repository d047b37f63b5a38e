"""loocbench.checkpoints.foreign.wrappers: what wrappers put into names, anywhere, is taken out."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from loocbench.checkpoints.foreign import wrappers
from tests.checkpoints.foreign.helpers import assert_features_equal, compute_spaces, import_file, random_images


def test_a_network_that_torch_itself_wrapped_within_and_without(source, tmp_path):
    """torch.compile around a stage and the whole, DataParallel around another stage and the whole."""
    net = copy.deepcopy(source)
    net.layer1 = torch.compile(net.layer1)
    net.layer2 = nn.DataParallel(net.layer2)
    net.layer3[0] = torch.compile(nn.DataParallel(net.layer3[0]))
    state = nn.DataParallel(torch.compile(net)).state_dict()
    assert "module._orig_mod.layer1._orig_mod.0.conv1.weight" in state
    assert "module._orig_mod.layer3.0._orig_mod.module.conv1.weight" in state
    torch.save({"state_dict": state}, tmp_path / "net.pth")
    found, checkpoint = import_file(tmp_path / "net.pth")
    assert found.match.complete
    with torch.inference_mode():
        assert_features_equal(compute_spaces(checkpoint, random_images())["general"], source(random_images()))


@pytest.mark.parametrize(
    "name",
    [
        "module._orig_mod.layer1.0.conv1.weight",
        "state_dict.model._fsdp_wrapped_module.layer1._fsdp_wrapped_module.0._checkpoint_wrapped_module.conv1.weight",
        "_forward_module.module.layer1.0.conv1.weight",
        "layer1.0._fpw_module.conv1.weight",
        "app.model.layer1.0.conv1.weight",
    ],
)
def test_names_of_the_wrappers(name):
    assert wrappers.strip_wrappers(name) == "layer1.0.conv1.weight"


def test_what_only_resembles_a_wrapper_stays():
    for name in ("layer1.submodule.weight", "layer1.module_list.weight", "stem.model.weight", "my_orig_mod.weight"):
        assert wrappers.strip_wrappers(name) == name


def test_a_family_is_recognised_through_the_wrappers(source, tmp_path):
    state = {f"_orig_mod.module.encoder_q._fsdp_wrapped_module.{n}": t for n, t in source.state_dict().items()}
    torch.save({"state_dict": state | {"_orig_mod.module.queue": torch.zeros(8, 4)}}, tmp_path / "net.pth")
    found, _ = import_file(tmp_path / "net.pth")
    assert (found.family, found.match.complete, found.unknown) == ("MoCo v1/v2 (official)", True, ())


def test_a_key_map_sees_through_torchs_wrappers(source, tmp_path):
    state = {f"net.trunk._orig_mod.{n}": t for n, t in source.state_dict().items()}
    torch.save(state, tmp_path / "net.pth")
    (tmp_path / "map.toml").write_text('[prefixes]\n"net.trunk." = "backbone"\n')
    assert import_file(tmp_path / "net.pth", key_map=tmp_path / "map.toml")[0].match.complete


def test_flat_parameters_are_refused_with_the_way_out(refused, tmp_path):
    torch.save({"model": {"_fsdp_wrapped_module._flat_param": torch.zeros(9)}}, tmp_path / "net.pth")
    line = refused(tmp_path / "net.pth")
    assert "FSDP's flat parameters (model._fsdp_wrapped_module._flat_param)" in line
    assert "get_model_state_dict" in line


def test_a_part_of_ones_own_network_may_be_called_module(tmp_path, monkeypatch):
    (tmp_path / "netmodule.py").write_text(
        "import torch\nfrom torch import nn\n\n\ndef make():\n    net = nn.Sequential()\n"
        "    net.add_module('part', nn.Sequential())\n    net.part.add_module('module', nn.Conv2d(3, 4, 8, 8))\n"
        "    net.add_module('pool', nn.AdaptiveAvgPool2d(1))\n    net.add_module('flat', nn.Flatten())\n"
        "    return net\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    state = {"module.part.module.weight": torch.zeros(4, 3, 8, 8), "module.part.module.bias": torch.zeros(4)}
    torch.save(state, tmp_path / "net.pth")
    found, _ = import_file(tmp_path / "net.pth", arch="netmodule:make")
    assert found.match.complete
