"""loocbench.checkpoints.foreign.transformers_config: what transformers' files beside the weights state is used."""

from __future__ import annotations

import json
from functools import partial

import pytest
import torch

from loocbench.checkpoints.foreign import transformers_config
from loocbench.errors import UserError
from tests.checkpoints.foreign.helpers import compute_spaces, import_file, random_images
from tests.checkpoints.foreign.vit_layouts import assert_all_features_equal, build_vit, tokens, transformers_names

timm = pytest.importorskip("timm")

# As transformers writes them for a ViTModel and its ViTImageProcessor.
CONFIG = {
    "architectures": ["ViTModel"],
    "model_type": "vit",
    "hidden_act": "gelu",
    "hidden_size": 192,
    "image_size": 64,
    "layer_norm_eps": 0.001,
    "num_attention_heads": 6,
    "num_hidden_layers": 2,
    "patch_size": 16,
    "qkv_bias": True,
}
IMAGES = {
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_processor_type": "ViTImageProcessor",
    "image_std": [0.2, 0.3, 0.4],
    "resample": 2,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": 64, "width": 64},
}


def write(folder, net, config=None, images=None):
    """A folder as save_pretrained leaves it."""
    torch.save(transformers_names(net.state_dict()), folder / "pytorch_model.bin")
    for name, content in (("config.json", config), ("preprocessor_config.json", images)):
        if content is not None:
            (folder / name).write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("named", ["folder", "file"])
def test_heads_epsilon_and_images_are_as_stated_and_not_assumed(tmp_path, named):
    net = build_vit(num_heads=6, norm_layer=partial(timm.layers.LayerNorm, eps=0.001))
    write(tmp_path, net, CONFIG, IMAGES)
    found, checkpoint = import_file(tmp_path if named == "folder" else tmp_path / "pytorch_model.bin")
    assert found.architecture.options["layer_norm_eps"] == 0.001
    assert "6 attention heads, as config.json states" in found.notes
    assert "layer norm's epsilon 0.001, as config.json states" in found.notes
    assert checkpoint.card.source.assumed == ""
    assert checkpoint.card.source.preprocessing.startswith("stated by its preprocessor_config.json, but cropped")
    assert (found.preprocessing.values.mean, found.preprocessing.values.std) == ((0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    assert_all_features_equal(compute_spaces(checkpoint, random_images(64)), tokens(net, random_images(64)))


def test_the_epsilon_matters_to_the_features(tmp_path):
    """So that the test above can fail."""
    write(
        tmp_path, build_vit(norm_layer=partial(timm.layers.LayerNorm, eps=0.001)), CONFIG | {"num_attention_heads": 3}
    )
    _, stated = import_file(tmp_path)
    (tmp_path / "config.json").unlink()
    _, assumed = import_file(tmp_path)
    pixels = random_images(64)
    assert not torch.allclose(compute_spaces(stated, pixels)["general"], compute_spaces(assumed, pixels)["general"])


def test_pooling_by_the_mean_of_the_patches(tmp_path):
    net = build_vit(global_pool="avg", fc_norm=False)
    write(tmp_path, net, CONFIG | {"use_mean_pooling": True, "layer_norm_eps": 1e-6, "num_attention_heads": 3})
    _, checkpoint = import_file(tmp_path)
    assert_all_features_equal(compute_spaces(checkpoint, random_images(64)), tokens(net, random_images(64)))


def test_a_grid_that_is_not_square_is_stated(tmp_path):
    net = build_vit(img_size=(32, 96), num_heads=3, dynamic_img_size=True)
    write(tmp_path, net, CONFIG | {"image_size": [32, 96], "num_attention_heads": 3, "layer_norm_eps": 1e-6})
    found, checkpoint = import_file(tmp_path)
    assert found.architecture.options["img_width"] == 96
    assert_all_features_equal(compute_spaces(checkpoint, random_images(64)), tokens(net, random_images(64)))


def test_a_published_dinov2_is_named_with_what_is_stated(tmp_path):
    net = build_vit("vit_small_patch14_dinov2", img_size=70, depth=12)
    names = transformers_names({key: tensor for key, tensor in net.state_dict().items() if ".ls" not in key})
    scales = {
        f"vit.encoder.layer.{number}.layer_scale{which}.lambda1": net.state_dict()[f"blocks.{number}.ls{which}.gamma"]
        for number in range(12)
        for which in (1, 2)
    }
    torch.save({**names, **scales}, tmp_path / "pytorch_model.bin")
    stated = {"model_type": "dinov2", "image_size": 70, "patch_size": 14, "num_attention_heads": 6}
    (tmp_path / "config.json").write_text(json.dumps(stated | {"layer_norm_eps": 1e-06}))
    found, checkpoint = import_file(tmp_path)
    assert found.architecture.name == "timm:vit_small_patch14_dinov2"
    assert found.architecture.options == {"img_size": 70, "num_heads": 6}
    assert_all_features_equal(compute_spaces(checkpoint, random_images(70)), tokens(net, random_images(70)))


def test_what_the_user_says_comes_first(tmp_path):
    write(tmp_path, build_vit(), CONFIG, IMAGES)
    found, _ = import_file(tmp_path, architecture_options={"num_heads": 3})
    assert found.architecture.options["num_heads"] == 3


@pytest.mark.parametrize(
    ("images", "resize", "crop"),
    [
        ({"size": {"shortest_edge": 256}, "crop_size": {"height": 224, "width": 224}}, 256, 224),
        ({"size": {"shortest_edge": 256}, "crop_size": 224, "do_center_crop": False}, 256, 256),
        ({"size": 224, "crop_size": None}, 224, 224),
        ({"size": [96, 96]}, 96, 96),
    ],
)
def test_sizes_of_images_in_all_ways_of_writing_them(tmp_path, images, resize, crop):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**IMAGES, **images}))
    stated = transformers_config.read_beside(tmp_path).preprocessing
    assert (stated.values.resize, stated.values.image_size) == (resize, crop)


@pytest.mark.parametrize(
    ("images", "mean", "std"),
    [
        ({"do_normalize": False}, 0.0, 1.0),
        ({"rescale_factor": 2 / 255}, 0.25, 0.25),
        ({"do_rescale": False, "image_mean": [127.5] * 3, "image_std": [63.75] * 3}, 0.5, 0.25),
        ({"image_mean": None, "image_std": None}, 0.5, 0.5),
    ],
)
def test_statistics_are_of_pixels_from_0_to_1(tmp_path, images, mean, std):
    """Whatever the scale of the images that they were stated for."""
    whole = {**IMAGES, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, **images}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(whole))
    values = transformers_config.read_beside(tmp_path).preprocessing.values
    assert values.mean == pytest.approx((mean,) * 3)
    assert values.std == pytest.approx((std,) * 3)


@pytest.mark.parametrize(
    ("stated", "interpolation", "note"),
    [
        ({"resample": 3}, "bicubic", ""),
        ({"resample": 2}, "bilinear", ""),
        ({"resample": 1}, "bilinear", "but resized bilinearly (its own is lanczos)"),
        ({"image_processor_type": "ViTImageProcessor"}, "bilinear", ""),
        ({"image_processor_type": "BitImageProcessor"}, "bicubic", ""),
        ({"image_processor_type": "BitImageProcessor", "resample": 2}, "bilinear", ""),
    ],
)
def test_the_interpolation_is_that_of_resample_or_the_processors_own(tmp_path, stated, interpolation, note):
    images = {name: value for name, value in IMAGES.items() if name not in ("resample", "image_processor_type")}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**images, **stated}))
    found = transformers_config.read_beside(tmp_path).preprocessing
    assert found.values.interpolation == interpolation
    assert note in found.known_from
    assert ("but resized" in found.known_from) == bool(note)


def test_images_that_are_not_square_are_not_stated(tmp_path):
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**IMAGES, "size": {"height": 64, "width": 32}}))
    assert transformers_config.read_beside(tmp_path).preprocessing is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"hidden_act": "quick_gelu"}, "states the activation 'quick_gelu', which timm's ViTs do not have"),
        ({"num_attention_heads": "many"}, "holds what transformers does not write"),
        ({"image_size": -3, "patch_size": 16}, "holds what transformers does not write"),
        ({"image_size": [1, 2, 3], "patch_size": 16}, "holds what transformers does not write"),
        ({"layer_norm_eps": -1}, "states a layer norm's epsilon of -1; correct it"),
        ({"image_size": 80, "patch_size": 16}, "a grid of 5 x 5 patches is stated, and the file has 17 positions"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, content, message):
    write(tmp_path, build_vit(), content)
    with pytest.raises(UserError, match=message):
        import_file(tmp_path)


def test_a_damaged_configuration_is_named(tmp_path):
    write(tmp_path, build_vit())
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config.json is not JSON; copy it anew, or move it away"):
        import_file(tmp_path)


def test_a_configuration_beside_other_weights_is_not_read(tmp_path):
    torch.save(build_vit().state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text("{")
    assert import_file(tmp_path)[0].match.complete
