"""Spaces by name, the encoder, and a cache that can never give another model's features."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import loocbench
from loocbench.data import blooms
from loocbench.errors import UserError
from loocbench.features import cache_keys, extraction
from loocbench.features.inference import InferenceNetwork
from loocbench.features.inference_config import InferenceConfig
from loocbench.models import spaces
from loocbench.types import UNCHANGED, Change
from tests.conftest import Silent

OFFERED = {
    "moco": ["looc", "looc++", "head:invariant"],
    "looc": ["looc", "looc++", "head:invariant", "head:color", "head:rotation"],
    "looc++": ["looc++", "head:invariant", "head:color", "head:rotation"],
    "moco++": ["looc++", "head:copy0", "head:copy1"],
}


@pytest.mark.parametrize("method", OFFERED)
def test_spaces_offered_by_each_method(trained, method):
    assert loocbench.load(trained[method]).spaces == OFFERED[method]


@pytest.mark.parametrize("method", ["looc", "looc++"])
def test_loocpp_is_the_concatenation_of_the_heads_in_order(trained, method):
    encoder = loocbench.load(trained[method])
    images = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8)
    parts = [encoder(images, features=f"head:{name}") for name in ("invariant", "color", "rotation")]
    assert torch.equal(encoder(images, features="looc++"), torch.cat(parts, dim=1))
    joined = encoder(images, features="head:rotation+head:color")
    assert torch.equal(joined, torch.cat([parts[2], parts[1]], dim=1))
    assert parts[0].shape == (5, 64 if method == "looc++" else 16)


def test_looc_and_loocpp_can_be_joined(trained):
    encoder = loocbench.load(trained["looc"])
    images = torch.rand(2, 3, 16, 16)
    expected = torch.cat([encoder(images, "looc"), encoder(images, "looc++")], dim=1)
    assert torch.equal(encoder(images, "looc+looc++"), expected)


def test_the_general_space_is_the_pooled_last_stage_and_embeddings_are_unit_vectors(trained):
    encoder = loocbench.load(trained["looc"])
    images = torch.rand(4, 3, 16, 16)
    normalised = (images - encoder._mean) / encoder._std
    maps = encoder.network.stages["general"](encoder.network.trunk(normalised))
    torch.testing.assert_close(encoder(images, "looc"), maps.mean(dim=(2, 3)))
    torch.testing.assert_close(encoder(images, "head:color").norm(dim=1), torch.ones(4))


def test_bytes_and_fractions_give_the_same_features(trained):
    encoder = loocbench.load(trained["looc++"])
    images = torch.randint(0, 256, (3, 3, 16, 16), dtype=torch.uint8)
    torch.testing.assert_close(encoder(images), encoder(images / 255))


@pytest.mark.parametrize("wrong", ["head:colour", "lookc", "looc++ +head:texture", "head:", ""])
def test_a_wrong_name_gets_the_list_of_this_checkpoint(trained, wrong):
    with pytest.raises(UserError, match=r"Available: looc, looc\+\+, head:invariant, head:color, head:rotation"):
        loocbench.load(trained["looc"]).parse(wrong)


def test_the_nearest_name_is_suggested():
    with pytest.raises(UserError, match="Did you mean 'head:color'"):
        spaces.parse_feature_name("head:colour", ("invariant", "color"), separate=True)


def test_a_space_cannot_occur_twice():
    with pytest.raises(UserError, match="a space occurs twice"):
        spaces.parse_feature_name("looc+++head:color", ("invariant", "color"), separate=False)


def test_prepare_makes_pillow_images_into_the_networks_input(trained):
    encoder = loocbench.load(trained["looc"])
    prepared = encoder.prepare([Image.new("L", (50, 30), 128), Image.new("RGB", (20, 90))])
    assert prepared.shape == (2, 3, 16, 16)
    assert prepared.dtype == torch.uint8
    assert (prepared[0] == 128).all()


def extract(encoder, dataset, cache, change=UNCHANGED, rows=None, split="test"):
    return extraction.extract(
        encoder, dataset, dataset.splits[split], change=change, rows=rows, cache=cache, reporter=Silent()
    )


def test_extracted_features_are_the_encoders_in_the_splits_order(trained, tiny_blooms, tmp_path):
    encoder = loocbench.load(trained["looc++"])
    features = extract(encoder, tiny_blooms, tmp_path)
    raw = [Image.fromarray(image) for image in tiny_blooms.read(tiny_blooms.splits["test"].items, 18)]
    expected = encoder(encoder.prepare(raw))
    parts = np.concatenate([features[part] for part in encoder.parse("looc++")], axis=1)
    torch.testing.assert_close(torch.from_numpy(parts), expected, rtol=1e-4, atol=1e-5)


def test_turned_features_are_those_of_the_turned_crops(trained, tiny_blooms, tmp_path):
    encoder = loocbench.load(trained["looc"])
    raw = [Image.fromarray(image) for image in tiny_blooms.read(tiny_blooms.splits["test"].items, 18)]
    crops = encoder.prepare(raw)
    for turns in range(4):
        expected = encoder(torch.from_numpy(np.rot90(crops.numpy(), turns, (2, 3)).copy()), "looc")
        found = extract(encoder, tiny_blooms, tmp_path, Change("rotation", 90 * turns))["general"]
        torch.testing.assert_close(torch.from_numpy(np.array(found)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("change", [UNCHANGED, Change("hue", drawn=True, seed=4), Change("texture", 0.5, view=2)])
def test_some_rows_are_those_rows_of_all(trained, tiny_blooms, tmp_path, change):
    encoder, rows = loocbench.load(trained["looc"]), np.array([3, 8, 40])
    whole = extract(encoder, tiny_blooms, tmp_path, change)["general"]
    some = extract(encoder, tiny_blooms, tmp_path, change, rows)["general"]
    np.testing.assert_allclose(some, whole[rows], rtol=1e-4, atol=1e-5)


def test_a_second_extraction_costs_no_forward_pass(trained, tiny_blooms, tmp_path, monkeypatch):
    encoder = loocbench.load(trained["looc"])
    first = extract(encoder, tiny_blooms, tmp_path)
    monkeypatch.setattr(InferenceNetwork, "__call__", lambda self, crops: pytest.fail("a forward pass"))
    second = extract(encoder, tiny_blooms, tmp_path)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_what_is_part_of_a_cached_split_costs_no_forward_pass(trained, tiny_blooms, tmp_path, monkeypatch):
    """Rows of it, all rows by their numbers, and no turn at all."""
    encoder, rows = loocbench.load(trained["looc"]), np.array([3, 8, 40])
    whole = extract(encoder, tiny_blooms, tmp_path)["general"]
    monkeypatch.setattr(InferenceNetwork, "__call__", lambda self, images: pytest.fail("a forward pass"))
    assert np.array_equal(extract(encoder, tiny_blooms, tmp_path, rows=rows)["general"], whole[rows])
    assert np.array_equal(extract(encoder, tiny_blooms, tmp_path, rows=np.arange(64))["general"], whole)
    assert np.array_equal(extract(encoder, tiny_blooms, tmp_path, Change("rotation", 0))["general"], whole)


def test_features_that_are_not_finite_are_refused_and_not_kept(trained, tiny_blooms, tmp_path):
    encoder = loocbench.load(trained["looc"])
    with torch.no_grad():
        next(encoder.network.parameters()).fill_(torch.nan)
    with pytest.raises(UserError, match="NaN or infinity"):
        extract(encoder, tiny_blooms, tmp_path)
    assert not list((tmp_path / "features").glob("*.safetensors"))


def test_everything_that_determines_the_features_is_in_the_key(trained, tiny_blooms):
    looc, moco = loocbench.load(trained["looc"]), loocbench.load(trained["moco"])
    other = blooms.make_blooms({"train": 96, "val": 48, "test": 64}, seed=1)
    test, hue = tiny_blooms.splits["test"], Change("hue", 30)
    changes = [UNCHANGED, hue, Change("hue", 60), replace(hue, drawn=True), replace(hue, view=1), replace(hue, seed=1)]

    key = cache_keys.features_key
    found = {
        *(key(looc, tiny_blooms, test, change, None) for change in changes),
        key(looc, tiny_blooms, test, UNCHANGED, np.arange(3)),
        key(looc, tiny_blooms, tiny_blooms.splits["val"], UNCHANGED, None),
        key(looc, other, other.splits["test"], UNCHANGED, None),
        key(moco, tiny_blooms, test, UNCHANGED, None),
    }
    for config in (InferenceConfig("bfloat16"), InferenceConfig(compiled=True)):
        other_numerics = loocbench.load(trained["looc"])
        other_numerics.inference = config
        found.add(key(other_numerics, tiny_blooms, test, UNCHANGED, None))
    changed = loocbench.load(trained["looc"])
    changed.preprocessing = changed.preprocessing.model_copy(update={"resize": 20})
    found.add(key(changed, tiny_blooms, test, UNCHANGED, None))
    assert len(found) == len(changes) + 7
