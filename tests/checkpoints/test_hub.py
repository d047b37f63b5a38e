"""loocbench.checkpoints.hub: pushing and pulling through huggingface_hub, against a stand-in on this machine."""

from __future__ import annotations

import json
import re
import sys

import pytest
import torch
from safetensors.torch import save

import loocbench
from loocbench.checkpoints import card_file, locate, native
from loocbench.errors import UserError
from tests.checkpoints.foreign.file_layouts import resnet18

pytest.importorskip("huggingface_hub")


def test_a_run_is_pushed_with_a_page_and_pulled_with_its_commit(repository, cli, trained):
    said = cli("checkpoints", "push", trained["looc++"], "me/birds", "--private")
    assert said == f"pushed: hf:me/birds@{repository.newest}\n"
    assert repository.private is True
    assert set(repository.commits[repository.newest]) == {"checkpoint.safetensors", "README.md"}
    cli("checkpoints", "pull", "me/birds", "--name", "birds")
    pulled, original = locate.load("birds"), native.load(trained["looc++"])
    assert pulled.card.weights == original.card.weights
    assert pulled.card.recipe == original.card.recipe
    assert str(pulled.card.source) == f"hf:me/birds@{repository.newest}"


def test_the_page_says_what_the_card_knows(repository, cli, trained):
    cli("checkpoints", "push", trained["looc++"], "me/birds")
    page = repository.commits[repository.newest]["README.md"].decode()
    card = card_file.read_card(trained["looc++"])
    assert page.startswith("---\nlibrary_name: loocbench\n")
    for text in ("`looc++`, `head:invariant`", "96 images, 1 epoch |", card.weights, card.fingerprint):
        assert text in page
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert 'loocbench.load("hf:me/birds")' in code


def test_the_page_of_ones_own_network_does_not_say_that_it_runs_no_code(tmp_path):
    from loocbench.exports import model_card
    from loocbench.features.encoder import Encoder

    (tmp_path / "netpage.py").write_text(
        "import torch\ndef make(): return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())\n"
    )
    page = model_card.render_model_card(Encoder.from_checkpoint(locate.load("random:netpage:make")), "me/own")
    assert "its network is code that you need, and must confirm, to load it" in page
    assert "runs no code" not in page
    assert "loading it runs no code" in model_card.render_model_card(
        Encoder.from_checkpoint(locate.load("random:resnet8")), "me/x"
    )


def test_a_revision_is_pinned_or_resolved_and_recorded(repository):
    first = repository.commit({"model.safetensors": save(resnet18().state_dict())})
    changed = {name: tensor + 1 for name, tensor in resnet18().state_dict().items()}
    second = repository.commit({"model.safetensors": save(changed)})
    newest, pinned = locate.load("hf:me/birds"), locate.load(f"hf:me/birds@{first}")
    assert (newest.card.source.revision, pinned.card.source.revision) == (second, first)
    assert newest.card.weights != pinned.card.weights
    assert all("/resolve/main/" not in call for call in repository.calls)  # files are of one commit, not of a branch
    assert pinned.card.name == "me-birds"


def test_importing_ours_from_a_hub_records_the_commit_too(repository, cli, trained):
    cli("checkpoints", "push", trained["looc"], "me/birds")
    cli("checkpoints", "import", "hf:me/birds", "--name", "birds")
    assert str(locate.load("birds").card.source) == f"hf:me/birds@{repository.newest}"


def test_a_pulled_card_does_not_run_code(repository, cli, tmp_path):
    (tmp_path / "netcode.py").write_text("import torch\ndef make(): return torch.nn.Sequential(torch.nn.Flatten())\n")
    checkpoint = locate.load("random:netcode:make")
    native.save(tmp_path / "x.safetensors", checkpoint.card, checkpoint.weights)
    repository.commit({"checkpoint.safetensors": (tmp_path / "x.safetensors").read_bytes()})
    cli("checkpoints", "pull", "me/birds", "--name", "birds")
    sys.modules.pop("netcode", None)
    (tmp_path / "netcode.py").write_text("raise SystemExit('code ran')")
    for reference in ("birds", "hf:me/birds"):
        with pytest.raises(UserError, match="wants to run netcode:make"):
            loocbench.load(reference)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("hf:me/nowhere", "no repository me/nowhere on the hub, or no access to it"),
        ("hf:me/birds@nowhere", "no revision me/birds@nowhere"),
        ("hf:me/birds", "me/birds holds no file of weights"),
    ],
)
def test_what_the_hub_does_not_have_is_one_line(repository, reference, message):
    repository.commit({"README.md": b""})
    with pytest.raises(UserError, match=message):
        locate.load(reference)


def test_several_files_of_weights_are_not_guessed_at(repository):
    repository.commit({"a.pth": b"", "b.pth": b""})
    with pytest.raises(UserError, match=r"holds several files of weights \(a.pth, b.pth\)"):
        locate.load("hf:me/birds")


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="the request for me/birds on the hub failed: "):
        locate.load("hf:me/birds")


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r"pip install 'loocbench\[hub\]'"):
        locate.load("hf:me/birds")


def test_a_hostile_file_from_a_hub_is_refused(repository, tmp_path):
    torch.save(torch.nn.Linear(2, 2), tmp_path / "x.bin")
    repository.commit({"pytorch_model.bin": (tmp_path / "x.bin").read_bytes()})
    with pytest.raises(UserError, match=r"asks for torch\.nn\.modules\.linear\.Linear"):
        locate.load("hf:me/birds")


def test_a_repository_in_shards_is_fetched_whole(repository, tmp_path):
    from huggingface_hub import save_torch_state_dict

    state = resnet18().state_dict()
    save_torch_state_dict(state, tmp_path, max_shard_size="20MB")
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    repository.commit({**files, "README.md": b""})
    checkpoint = locate.load("hf:me/birds")
    assert len(files) == 4
    assert checkpoint.card.source.revision == repository.newest
    assert torch.equal(checkpoint.weights["trunk.conv1.weight"], state["conv1.weight"])


def test_an_index_that_names_what_the_repository_lacks(repository):
    repository.commit({"model.safetensors.index.json": b'{"weight_map": {"a": "../b"}}'})
    with pytest.raises(UserError, match=r"the index model.safetensors.index.json of me/birds names ../b, which"):
        locate.load("hf:me/birds")


def test_what_transformers_states_in_a_repository_is_used(repository):
    pytest.importorskip("timm")
    from tests.checkpoints.foreign.test_transformers_config import CONFIG, IMAGES
    from tests.checkpoints.foreign.vit_layouts import build_vit, transformers_names

    files = {"config.json": CONFIG, "preprocessor_config.json": IMAGES}
    weights = {name: tensor.contiguous() for name, tensor in transformers_names(build_vit().state_dict()).items()}
    repository.commit({"model.safetensors": save(weights), **{k: json.dumps(v).encode() for k, v in files.items()}})
    card = locate.load("hf:me/birds").card
    assert card.architecture.options["num_heads"] == 6
    assert card.preprocessing.mean == (0.5, 0.4, 0.3)
    assert card.source.assumed == ""
