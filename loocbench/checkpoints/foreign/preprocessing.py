"""What a foreign network expects of its images: stated by its library, or assumed and said to be."""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torchvision
from pydantic import ValidationError

from loocbench.errors import UserError
from loocbench.extras import require
from loocbench.models import architectures
from loocbench.pretraining import recipes
from loocbench.types import Architecture, Preprocessing


@dataclass(frozen=True)
class PreprocessingOverrides:
    """What the user says of it; the rest is found."""

    image_size: int | None = None
    resize: int | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Stated:
    """Preprocessing, how it is known, and the data set that the weights were trained on, if that is."""

    preprocessing: Preprocessing
    how: str
    trained_on: str = ""


def find(
    architecture: Architecture,
    sha256: str,
    wishes: PreprocessingOverrides,
    *,
    timm_config: dict[str, Any] | None = None,
) -> Stated:
    """The user's word before the library's for these very weights, before ImageNet's usual values."""
    stated = _of_timm_config(timm_config, "stated by its timm configuration") if timm_config else None
    found = stated or _of_torchvision(sha256) or _of_timm(architecture) or _assumed(architecture)
    changed = {name: value for name, value in vars(wishes).items() if value is not None}
    if not changed:
        return found
    if wishes.image_size and not wishes.resize:
        changed["resize"] = round(wishes.image_size * 8 / 7)  # as recipes.preprocessing
    try:
        merged = Preprocessing.model_validate({**found.preprocessing.model_dump(), **changed})
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"bad value for {first['loc'][0]}: {first['msg'].lower()} (given {first['input']}).") from error
    if merged.resize < merged.image_size:
        raise UserError(
            f"images of short side {merged.resize} px have no centre crop of {merged.image_size}; raise --resize."
        )
    given = " and ".join(name.replace("_", " ") for name in changed)
    rest = "" if len(changed) == 4 else f"; the rest {found.how}"
    return Stated(merged, f"{given} as given{rest}", found.trained_on)


def fitted(architecture: Architecture, image_size: int) -> Architecture:
    """The architecture for images of another size than it is built for, its weights unchanged.

    Raises UserError where its positions are fixed.
    """
    name, options = architecture.name, architecture.options
    built_for = int(options.get("img_size", options.get("image_size", 0)))
    if name.startswith("torchvision:vit_") and image_size != (built_for or 224):
        raise UserError(f"{name} takes images of {built_for or 224} px; leave --image-size out.")
    if name.startswith(architectures.TIMM) and image_size != (built_for or architectures.default_image_size(name)):
        net = getattr(architectures.skeleton(architecture), "net", None)
        if hasattr(net, "pos_embed"):
            if "dynamic_img_size" not in inspect.signature(type(net)).parameters:
                size = built_for or architectures.default_image_size(name)
                raise UserError(f"{name} takes images of {size} px; leave --image-size out.")
            # its positions are resampled to the images' grid at every forward pass
            return architecture.model_copy(update={"options": {**options, "dynamic_img_size": True}})
    return architecture


def torchvision_weights(sha256: str) -> Any | None:
    """torchvision's entry for the file with this hash, whose beginning its name carries."""
    return next((entry for mark, entry in _published() if sha256.startswith(mark)), None) if sha256 else None


@lru_cache(maxsize=1)
def _published() -> tuple[tuple[str, Any], ...]:
    return tuple(
        (mark[1], entry)
        for name in torchvision.models.list_models(module=torchvision.models)
        for entry in torchvision.models.get_model_weights(name)
        if (mark := re.search(r"-([0-9a-f]{8,64})\.pth$", entry.url))
    )


def _of_torchvision(sha256: str) -> Stated | None:
    entry = torchvision_weights(sha256)
    if entry is None:
        return None
    crops = entry.transforms()
    values = Preprocessing(
        image_size=crops.crop_size[0], resize=crops.resize_size[0], mean=tuple(crops.mean), std=tuple(crops.std)
    )
    trained_on = "ImageNet-1k" if re.fullmatch(r"IMAGENET1K_V\d+", entry.name) else ""
    how = f"stated by torchvision for {type(entry).__name__}.{entry.name}{_interpolation(crops.interpolation.value)}"
    return Stated(values, how, trained_on)


def _of_timm(architecture: Architecture) -> Stated | None:
    """timm's own configuration of a model by name; not of one that is put together from a file's shapes."""
    if not architecture.name.startswith(architectures.TIMM) or "embed_dim" in architecture.options:
        return None
    timm, name = require("timm", "timm"), architecture.name.removeprefix(architectures.TIMM)
    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    values = config.to_dict() if config is not None else {}
    if "img_size" in architecture.options:
        size = architecture.options["img_size"]
        values = {**values, "input_size": (3, size, size)}
    return _of_timm_config(values, f"stated by timm for {name}")


def _of_timm_config(config: dict[str, Any], how: str) -> Stated | None:
    """Nothing where the configuration, which may come from anywhere, makes no sense."""
    try:
        size = int(config.get("input_size", (3, 224, 224))[-1])
        mean, std = (tuple(config.get(key) or usual) for key, usual in (("mean", _MEAN), ("std", _STD)))
        resize = math.floor(size / float(config.get("crop_pct") or 0.875))
        values = Preprocessing(image_size=size, resize=resize, mean=mean, std=std)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None
    mode = str(config.get("crop_mode") or "center")
    crop = "" if mode == "center" else f", but cropped to the centre (its own crop mode is {mode})"
    return Stated(values, how + _interpolation(str(config.get("interpolation", "bilinear"))) + crop)


_MEAN, _STD = (Preprocessing.model_fields[name].default for name in ("mean", "std"))


def _interpolation(own: str) -> str:
    return "" if own == "bilinear" else f", but resized bilinearly (its own is {own})"


def _assumed(architecture: Architecture) -> Stated:
    options = architecture.options
    size = int(options.get("img_size", options.get("image_size", 0)))
    size = size or (32 if "stem_padding" in options else architectures.default_image_size(architecture.name))
    return Stated(recipes.preprocessing(size), "assumed: ImageNet's")
