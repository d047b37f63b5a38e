"""What transformers' config.json and preprocessor_config.json beside a ViT's weights state of it and its images."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loocbench.checkpoints.foreign import vits
from loocbench.checkpoints.foreign.preprocessing import ResolvedPreprocessing, find_interpolation
from loocbench.checkpoints.foreign.types import RecognisedArchitecture
from loocbench.errors import UserError
from loocbench.types import Architecture, Preprocessing

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
_LARGEST = 16_000_000  # bytes; the names of 21 thousand classes take one million
_EPSILON = 1e-6  # of timm's ViTs
_GELU = ("gelu", "gelu_python")
_RESAMPLING = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}  # Pillow's numbers
_BICUBIC = (  # processors that resize bicubically where their file says nothing
    *("CLIPImageProcessor", "CLIPFeatureExtractor", "SiglipImageProcessor", "BitImageProcessor"),
    *("CLIPImageProcessorFast", "SiglipImageProcessorFast", "BitImageProcessorFast"),
)
_USUAL: dict[str, dict[str, Any]] = {
    "clip_vision_model": {"hidden_act": "quick_gelu", "num_attention_heads": 12, "layer_norm_eps": 1e-5},
    "siglip_vision_model": {"hidden_act": "gelu_pytorch_tanh", "num_attention_heads": 12, "layer_norm_eps": 1e-6},
}
_MEAN, _STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)  # transformers' own for ViTs


@dataclass(frozen=True)
class StatedConfig:
    """What the files state; None or 0 where they say nothing.

    heads: of the attention. activation: of an image tower, by transformers' name. epsilon: of layer norm. mean_pooled:
    whether the features are the mean of the patches. grid: rows and columns of patches. preprocessing: of the images.
    """

    heads: int = 0
    activation: str = ""
    epsilon: float = 0.0
    mean_pooled: bool = False
    grid: tuple[int, int] | None = None
    preprocessing: ResolvedPreprocessing | None = None


def read_beside(path: Path, activations: Collection[str] = _GELU) -> StatedConfig:
    """Read the configuration in a folder, or beside a file. Nothing is stated where there is none.

    activations: those that the network can have, by transformers' names. Raises UserError for a network that is not
    built here, and for a file that is damaged or too large.
    """
    folder = path if path.is_dir() else path.parent
    config, images = _read_json(folder / CONFIG), _read_json(folder / PREPROCESSOR)
    tower = config.get("vision_config")  # of a CLIP or SigLIP with its text tower
    config = _complete_tower(tower if isinstance(tower, Mapping) else config)
    activation = config.get("hidden_act", "gelu")
    if config and activation not in activations:
        raise UserError(
            f"{folder / CONFIG} states the activation {activation!r}, which timm's ViTs do not have; build the network "
            "in a function of your own, and name that with --arch package.module:function."
        )
    try:
        return StatedConfig(
            heads=int(config.get("num_attention_heads") or 0),
            activation=str(config.get("hidden_act") or ""),
            epsilon=float(config.get("layer_norm_eps") or 0),
            mean_pooled=bool(config.get("use_mean_pooling")),
            grid=_read_grid(config),
            preprocessing=_read_images(images) if images else None,
        )
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise UserError(
            f"{CONFIG} or {PREPROCESSOR} in {folder} holds what transformers does not write; copy them anew, or move "
            "the weights elsewhere and name them alone."
        ) from error


def complete(found: RecognisedArchitecture, stated: StatedConfig) -> RecognisedArchitecture:
    """Return a ViT with the layer norm and the pooling that are stated, and notes on them instead of assumptions."""
    options = dict(found.architecture.options)
    heads = f"{stated.heads} attention heads, as"
    given = [f"{heads} {CONFIG} states" if note == f"{heads} given" else note for note in found.given]
    assumed = list(found.assumed)
    if stated.epsilon:
        options |= {"layer_norm_eps": stated.epsilon} if stated.epsilon != _EPSILON else {}
        assumed = [note for note in assumed if note != vits.EPSILON]
        given.append(f"layer norm's epsilon {stated.epsilon:g}, as {CONFIG} states")
    if stated.mean_pooled:
        options |= {"global_pool": "avg", "fc_norm": False}
        given.append(f"pooled as the mean of the patches, as {CONFIG} states")
    try:
        architecture = Architecture(name=found.architecture.name, options=options)
    except ValidationError as error:
        raise UserError(f"{CONFIG} states a layer norm's epsilon of {stated.epsilon:g}; correct it.") from error
    return RecognisedArchitecture(architecture, tuple(assumed), tuple(given))


def _complete_tower(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of an image tower with the values that transformers leaves out where they are usual."""
    return {**_USUAL.get(str(config.get("model_type")), {}), **config}


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    if path.stat().st_size > _LARGEST:
        raise UserError(f"{path} is too large to be a configuration; copy it anew.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON; copy it anew, or move it away.") from error
    return content if isinstance(content, dict) else {}


def _read_grid(config: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the rows and columns of patches of a configuration, or None if it does not say both sizes."""
    if not config.get("image_size") or not config.get("patch_size"):
        return None
    (height, width), (down, across) = (_read_pair(config[name]) for name in ("image_size", "patch_size"))
    return height // down, width // across


def _read_images(config: Mapping[str, Any]) -> ResolvedPreprocessing | None:
    """Return the preprocessing that an image processor of transformers states; None for images that are not square."""
    size, crop = config.get("size", 224), config.get("crop_size")
    cropped = bool(crop) and config.get("do_center_crop", True)
    if isinstance(size, Mapping) and "shortest_edge" in size:
        short, keeps_shape = int(size["shortest_edge"]), True
        height, width = _read_pair(crop) if cropped else (short, short)
    else:  # both sides are resized, whatever the image's shape
        height, width = _read_pair(size)
        short, keeps_shape = min(height, width), False
        if cropped:
            height, width = _read_pair(crop)
    if height != width:
        return None
    scale = 255 * float(config.get("rescale_factor", 1 / 255) if config.get("do_rescale", True) else 1)
    normalised = config.get("do_normalize", True)
    mean, std = (
        (config.get("image_mean") or _MEAN, config.get("image_std") or _STD) if normalised else ((0,) * 3, (1,) * 3)
    )
    known_from = f"stated by its {PREPROCESSOR}"
    usual = 3 if config.get("image_processor_type", config.get("feature_extractor_type")) in _BICUBIC else 2
    resample = config.get("resample", usual)
    interpolation, note = find_interpolation(_RESAMPLING.get(resample, str(resample)))
    known_from += note
    known_from += "" if keeps_shape else ", but cropped to the centre (its own resizes both sides, whatever the shape)"
    values = Preprocessing(
        image_size=height,
        resize=max(short, height),
        mean=tuple(round(float(value) / scale, 12) for value in mean),
        std=tuple(round(float(value) / scale, 12) for value in std),
        interpolation=interpolation,
    )
    return ResolvedPreprocessing(values, known_from)


def _read_pair(value: Any) -> tuple[int, int]:
    """Return height and width of a size that transformers writes: 224, [224, 224], {"height": 224, "width": 224}."""
    if isinstance(value, Mapping):
        height, width = (value["shortest_edge"],) * 2 if "shortest_edge" in value else (value["height"], value["width"])
    else:
        height, width = (value, value) if isinstance(value, int) else value
    if not (0 < int(height) <= 8192 and 0 < int(width) <= 8192):
        raise ValueError("not the size of an image")
    return int(height), int(width)
