"""A user's map from prefixes to parts of the network.

Covers loocbench.checkpoints.foreign.key_maps and loocbench.checkpoints.foreign.tensor_routing.
"""

from __future__ import annotations

import re

import pytest
import torch

from loocbench.checkpoints import card_file
from loocbench.checkpoints.foreign import inspecting
from loocbench.errors import UserError
from loocbench.models.network import Network
from tests.checkpoints.foreign.file_layouts import seeded
from tests.checkpoints.foreign.helpers import (
    assert_features_equal,
    compute_spaces,
    import_file,
    random_images,
)


def looc_state(separate: bool) -> tuple[Network, dict[str, torch.Tensor]]:
    """A LooC network of ours, and its tensors as a reimplementation might call them."""
    network = Network(
        "resnet18", ("invariant", "color"), separate=separate, embedding_dim=16, hidden_dim=24, stem_padding=1
    )
    seeded(network)
    state = {}
    for name, tensor in network.state_dict().items():
        for ours, theirs in (
            ("trunk.", "module.trunk."),
            ("stages.general.", "module.trunk.layer4."),
            ("stages.invariant.", "module.branches.0."),
            ("stages.color.", "module.branches.1."),
            ("heads.invariant.0.", "module.mlp.0.fc1."),
            ("heads.invariant.2.", "module.mlp.0.fc2."),
            ("heads.color.0.", "module.mlp.1.fc1."),
            ("heads.color.2.", "module.mlp.1.fc2."),
        ):
            if name.startswith(ours):
                state[theirs + name.removeprefix(ours)] = tensor
    state["module.queue"] = torch.zeros(2, 16, 8)
    return network, state


@pytest.mark.parametrize("separate", [False, True])
def test_a_looc_reimplementation_imports_through_a_key_map(tmp_path, separate):
    network, state = looc_state(separate)
    torch.save({"state_dict": state}, tmp_path / "looc.pth")
    stages = (
        '"module.branches.0." = "stage:invariant"\n"state_dict.module.branches.1." = "stage:color"\n'
        if separate
        else ""
    )
    (tmp_path / "looc.toml").write_text(
        f"separate = {str(separate).lower()}\n"
        'leave_out = ["state_dict.module.queue"]\n[prefixes]\n"module.trunk." = "backbone"\n'
        f'{stages}"state_dict.module.mlp.0." = "head:invariant"\n"state_dict.module.mlp.1." = "head:color"\n'
    )
    found, checkpoint = import_file(tmp_path / "looc.pth", key_map=tmp_path / "looc.toml")
    assert checkpoint.card.spaces == ("invariant", "color")
    assert card_file.has_separate_stages(checkpoint.card) is separate
    assert found.unknown == ()
    with torch.inference_mode():
        expected = network.forward_spaces(random_images(32))
    every = compute_spaces(checkpoint, random_images(32))
    assert every.keys() == expected.keys()
    for name, values in expected.items():
        assert_features_equal(every[name], values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[prefixes]\n"a." = "backbones"', "'a.' is mapped to 'backbones'"),
        ('separate = true\n[prefixes]\n"a." = "backbone"', "separate = true goes with stage:NAME"),
        ('[prefixes]\n"nowhere." = "backbone"', "no tensor's name begins with 'nowhere.'; the file's begin with conv1"),
        ("prefixes = 3", "prefixes: input should be a valid dictionary"),
    ],
)
def test_a_wrong_key_map_is_one_line(tmp_path, text, message):
    torch.save({"conv1.weight": torch.zeros(2)}, tmp_path / "net.pth")
    (tmp_path / "map.toml").write_text(text)
    with pytest.raises(UserError, match=re.escape(message)):
        inspecting.inspect_file(tmp_path / "net.pth", inspecting.ImportOptions(key_map=tmp_path / "map.toml"))


def test_two_prefixes_that_lead_to_one_place_are_refused(tmp_path):
    torch.save({"q.conv1.weight": torch.zeros(2), "k.conv1.weight": torch.ones(2)}, tmp_path / "net.pth")
    for target in ("backbone", "head:color"):
        (tmp_path / "map.toml").write_text(f'[prefixes]\n"q." = "{target}"\n"k." = "{target}"\n')
        with pytest.raises(UserError, match=f"two tensors become conv1.weight of {target}, one is k.conv1.weight; put"):
            inspecting.inspect_file(tmp_path / "net.pth", inspecting.ImportOptions(key_map=tmp_path / "map.toml"))
