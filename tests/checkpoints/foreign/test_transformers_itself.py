"""What transformers itself saves, and the features that it computes; skipped where it is not installed.

Covers the names of ``loocbench.checkpoints.foreign.transformers_towers`` and ``transformers_config``.
"""

from __future__ import annotations

import pytest
import torch

from tests.checkpoints.foreign.helpers import assert_features_equal, compute_spaces, import_file, random_images

transformers = pytest.importorskip("transformers")
pytest.importorskip("timm")
SIZES = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
IMAGES = {"image_size": 32, "patch_size": 16}


def save(model, folder):
    """The model with random weights everywhere, as save_pretrained leaves it."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    model.eval().save_pretrained(folder)
    return folder


def build_siglip(kind):
    vision = transformers.SiglipVisionConfig(**SIZES, **IMAGES)
    if kind == "vision":
        return transformers.SiglipVisionModel(vision)
    return transformers.SiglipModel(transformers.SiglipConfig(text_config=SIZES, vision_config=vision.to_dict()))


def build_clip(kind):
    vision = transformers.CLIPVisionConfig(**SIZES, **IMAGES)
    if kind == "vision":
        return transformers.CLIPVisionModel(vision)
    return transformers.CLIPModel(transformers.CLIPConfig(text_config=SIZES, vision_config=vision.to_dict()))


@pytest.mark.parametrize("kind", ["vision", "both"])
@pytest.mark.parametrize("build", [build_clip, build_siglip])
def test_the_features_are_the_image_towers_pooled_output(tmp_path, build, kind):
    model = build(kind)
    save(model, tmp_path)
    _, checkpoint = import_file(tmp_path, name="tower")
    tower = model if kind == "vision" else model.vision_model
    images = random_images(32)
    with torch.inference_mode():
        wanted = tower(pixel_values=images).pooler_output
    assert_features_equal(compute_spaces(checkpoint, images)["general"], wanted)


@pytest.mark.parametrize("name", ["Dinov2", "ViT"])
def test_the_features_of_vits_are_the_class_token(tmp_path, name):
    sizes = {**SIZES, "mlp_ratio": 2} if name == "Dinov2" else SIZES
    model = getattr(transformers, f"{name}Model")(getattr(transformers, f"{name}Config")(**sizes, **IMAGES))
    save(model, tmp_path)
    _, checkpoint = import_file(tmp_path, name="vit")
    images = random_images(32)
    with torch.inference_mode():
        wanted = model(pixel_values=images).last_hidden_state[:, 0]
    assert_features_equal(compute_spaces(checkpoint, images)["general"], wanted)
