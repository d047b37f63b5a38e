"""loocbench.checkpoints.foreign.map_hints: what is refused says the line of --map that helps; the line does help."""

from __future__ import annotations

import re

import torch

from loocbench.checkpoints.foreign import map_hints
from tests.checkpoints.foreign.file_layouts import other, prefixed
from tests.checkpoints.foreign.helpers import import_file


def follow(line: str, folder, path):
    """Write the lines of a message to a key map, and import with it."""
    (prefix,) = re.findall(r'"[^"]*" = "backbone"', line)
    leave_out = re.findall(r"leave_out = \[[^\]]*\]", line)
    (folder / "map.toml").write_text("\n".join([*leave_out, "[prefixes]", prefix]))
    return import_file(path, key_map=folder / "map.toml")[0]


def test_an_unknown_prefix_before_a_known_network(source, refused, tmp_path):
    torch.save(prefixed("teacher_net.trunk.", source.state_dict()), tmp_path / "net.pth")
    line = refused(tmp_path / "net.pth")
    assert 'or say with --map "teacher_net.trunk." = "backbone"' in line
    assert follow(line, tmp_path, tmp_path / "net.pth").match.complete


def test_a_named_network_under_another_prefix(source, refused, tmp_path):
    torch.save(prefixed("mine.trunk.", source.state_dict()), tmp_path / "net.pth")
    line = refused(tmp_path / "net.pth", "--arch", "resnet18")
    assert 'use --arch, --head or --map, which says "mine.trunk." = "backbone".' in line
    assert follow(line, tmp_path, tmp_path / "net.pth").match.complete


def test_two_networks_told_apart_by_wrappers(source, refused, tmp_path):
    state = source.state_dict()
    torch.save({"model": dict(state), "network": other("", state)}, tmp_path / "net.pth")
    line = refused(tmp_path / "net.pth")
    assert 'which says "network." = "backbone" and leave_out = ["model."]' in line
    torch.save({"network": dict(state), "model": other("", state)}, tmp_path / "net.pth")
    line = refused(tmp_path / "net.pth")
    assert 'which says "model." = "backbone" and leave_out = ["network."]' in line


def test_a_tensor_too_many_of_the_backbone(source, refused, tmp_path):
    state = source.state_dict() | {"my_head.weight": torch.zeros(3, 512)}
    torch.save(prefixed("backbone.", state), tmp_path / "net.pth")
    line = refused(tmp_path / "net.pth")
    assert 'which says leave_out = ["backbone.my_head."]' in line
    assert follow(f'{line} "backbone." = "backbone"', tmp_path, tmp_path / "net.pth").match.complete


def test_names_that_tell_nothing_have_no_line():
    assert map_hints.suggest_backbone(["a", "b.c", "d.e"]) == ""
    assert map_hints.suggest_backbone(["w.c", "w.e", "d.e"]) == '"w." = "backbone"'
    assert map_hints.suggest_lines(["a.b"], ["layer1.weight"], ["b"]) == ""
