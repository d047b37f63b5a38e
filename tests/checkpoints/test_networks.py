"""loocbench.checkpoints.networks: a card builds its network, and weights that do not fit are refused before that."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import loocbench
from loocbench.checkpoints import locate, native, networks
from loocbench.errors import UserError


@pytest.mark.parametrize("change", ["missing", "renamed", "misshapen"])
def test_one_wrong_tensor_is_an_error_and_nothing_is_left_at_random(trained, tmp_path, change):
    loaded = native.load(trained["looc"])
    weights = dict(loaded.weights)
    tensor = weights.pop("heads.color.2.weight")
    if change == "renamed":
        weights["heads.colour.2.weight"] = tensor
    if change == "misshapen":
        weights["heads.color.2.weight"] = tensor[:-1]
    card = loaded.card.model_copy(update={"weights": native.weights_hash(weights)})
    native.save(tmp_path / "x.safetensors", card, weights)
    with pytest.raises(UserError, match=r"does not fit its card: .*heads\.color\.2\.weight"):
        loocbench.load(tmp_path / "x.safetensors")


def test_a_card_of_another_network_than_the_weights_is_refused_before_it_is_built(tmp_path):
    checkpoint = locate.load("random:shufflenet_v2_x0_5")
    larger = checkpoint.card.architecture.model_copy(update={"name": "torchvision:shufflenet_v2_x2_0"})
    card = checkpoint.card.model_copy(update={"architecture": larger})
    native.save(tmp_path / "x.safetensors", card, checkpoint.weights)
    with pytest.raises(UserError, match=r"does not fit its card: net\.stage2.*; import it anew"):
        loocbench.load(tmp_path / "x.safetensors")


def test_a_card_of_spaces_that_its_network_does_not_give_is_refused(tmp_path):
    checkpoint = locate.load("random:shufflenet_v2_x0_5")
    native.save(
        tmp_path / "x.safetensors", checkpoint.card.model_copy(update={"spaces": ("color",)}), checkpoint.weights
    )
    with pytest.raises(UserError, match="does not fit its card: space color; import it anew"):
        loocbench.load(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("torchvision:mobilenet_v2", {"depth": 3}),
        ("torchvision:vit_b_16", {"image_size": 3}),
        ("timm:resnet18", {"img_size": 64}),
        ("timm:vit_tiny_patch16_224", {"num_heads": 7}),
        ("timm:vit_tiny_patch16_224", {"num_heads": 0}),
    ],
)
def test_options_that_a_library_does_not_take_are_one_line(name, options):
    if name.startswith("timm:"):
        pytest.importorskip("timm")
    card = locate.load("random:shufflenet_v2_x0_5").card
    architecture = card.architecture.model_copy(update={"name": name, "options": options})
    wrong = native.Checkpoint(card.model_copy(update={"architecture": architecture}), {}, "x")
    with pytest.raises(UserError, match=r"there is no .* with .*; name another with --arch"):
        networks.require_weights_fit(wrong)


def test_features_of_code_that_changed_are_made_anew(own_module, tmp_path):
    """The cache's key holds the code: the weights alone would not tell."""
    before = networks.cache_identity(locate.load(f"random:{own_module}:resnet20").card)
    page = Path("cifar_resnets.py")
    page.write_text(page.read_text().replace("maps.mean(dim=(2, 3))", "maps.amax(dim=(2, 3))"))
    sys.modules.pop(own_module)
    after = networks.cache_identity(locate.load(f"random:{own_module}:resnet20").card)
    assert before.pop("code") != after.pop("code")
    assert before == after
