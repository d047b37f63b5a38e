"""Preprocessing of a foreign network's images: given by the user, stated by its library, or assumed."""

from __future__ import annotations

import inspect
import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast, get_args

from pydantic import ValidationError

from loocbench.checkpoints.foreign.export_statement import ExportStatement
from loocbench.errors import UserError, unknown
from loocbench.extras import require
from loocbench.models import architectures, timm_networks
from loocbench.models.preprocessing import (
    ASSUMED_IMAGENET,
    default_preprocessing,
    default_resize,
    describe_invalid,
)
from loocbench.types import BILINEAR, Architecture, Interpolation, Preprocessing


@dataclass(frozen=True)
class PreprocessingOverrides:
    """Preprocessing given by the user; None keeps what is known otherwise."""

    image_size: int | None = None
    resize: int | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    interpolation: Interpolation | None = None


@dataclass(frozen=True)
class ResolvedPreprocessing:
    """Preprocessing, where it is known from, and the data set that the weights were trained on, if that is known."""

    values: Preprocessing
    known_from: str
    trained_on: str = ""


def resolve_preprocessing(
    architecture: Architecture,
    sha256: str,
    overrides: PreprocessingOverrides,
    *,
    timm_config: dict[str, Any] | None = None,
    export: ExportStatement | None = None,
    stated: ResolvedPreprocessing | None = None,
) -> ResolvedPreprocessing:
    """Return the preprocessing of a network. Priority: user, the file itself, its library, ImageNet's defaults.

    sha256: of the file, which identifies torchvision's published weights. timm_config: a timm ``pretrained_cfg``.
    export: what a file that loocbench exported states. stated: what the
    configuration beside it states. Raises UserError for invalid overrides.
    """
    changed = {name: value for name, value in vars(overrides).items() if value is not None}
    found = _look_up_export(export) if export else None
    if found is None and timm_config:
        found = _read_timm_config(timm_config, "stated by its timm configuration")
    found = found or stated or _look_up_torchvision(sha256) or _look_up_timm(architecture)
    found = found or _assume_imagenet(architecture, overrides.image_size)
    if timm_config and found.known_from == ASSUMED_IMAGENET:
        found = replace(found, known_from=f"{found.known_from}, as its timm configuration's is not one that can be")
    if not changed:
        return found
    given = " and ".join(name.replace("_", " ") for name in changed)
    left = {name for name in vars(overrides) if name not in changed}
    plain = found.values.interpolation == BILINEAR  # as it is by default, and was before it could be given
    rest = "" if not left or (left == {"interpolation"} and plain) else f"; the rest {found.known_from}"
    if overrides.image_size and not overrides.resize:
        changed["resize"] = default_resize(overrides.image_size)
    try:
        merged = Preprocessing.model_validate({**found.values.model_dump(), **changed})
    except ValidationError as error:
        raise UserError(f"{describe_invalid(error)}.") from error
    return ResolvedPreprocessing(merged, f"{given} as given{rest}", found.trained_on)


def adapt_to_image_size(architecture: Architecture, image_size: int) -> Architecture:
    """Return the architecture for images of another size than it is built for, with the same weights.

    Raises UserError if its position embeddings are fixed.
    """
    name, options = architecture.name, architecture.options
    built_for = int(options.get("img_size", options.get("image_size", 0)))
    oblong = int(options.get("img_height", 0)), int(options.get("img_width", 0))
    if name.startswith("torchvision:vit_") and image_size != (built_for or 224):
        raise UserError(f"{name} takes images of {built_for or 224} px; leave --image-size out.")
    if not name.startswith(architectures.TIMM):
        return architecture
    height, width = built_for, built_for
    if not built_for:
        height, width = oblong if all(oblong) else timm_networks.read_input_size(name.removeprefix(architectures.TIMM))
    if (height, width) != (image_size, image_size):
        net = getattr(architectures.build_without_weights(architecture), "net", None)
        if hasattr(net, "pos_embed"):
            if "dynamic_img_size" not in inspect.signature(type(net)).parameters:
                size = f"{height} px; leave --image-size out" if height == width else f"{height} x {width} px alone"
                raise UserError(f"{name} takes images of {size}.")
            # timm resamples its positions to the grid of the images at every forward pass
            return architecture.model_copy(update={"options": {**options, "dynamic_img_size": True}})
    return architecture


def find_torchvision_weights(sha256: str) -> Any | None:
    """Return torchvision's entry for the file with this hash, or None; file names hold the first digits of the hash."""
    if not sha256:
        return None
    return next((entry for mark, entry in _list_published_weights() if sha256.startswith(mark)), None)


@lru_cache(maxsize=1)
def _list_published_weights() -> tuple[tuple[str, Any], ...]:
    import torchvision  # here, for it takes as long to import as torch

    return tuple(
        (mark[1], entry)
        for name in torchvision.models.list_models(module=torchvision.models)
        for entry in torchvision.models.get_model_weights(name)
        if (mark := re.search(r"-([0-9a-f]{8,64})\.pth$", entry.url))
    )


def _look_up_torchvision(sha256: str) -> ResolvedPreprocessing | None:
    entry = find_torchvision_weights(sha256)
    if entry is None:
        return None
    crops = entry.transforms()
    interpolation, note = find_interpolation(crops.interpolation.value)
    values = Preprocessing(
        image_size=crops.crop_size[0],
        resize=crops.resize_size[0],
        mean=tuple(crops.mean),
        std=tuple(crops.std),
        interpolation=interpolation,
    )
    trained_on = "ImageNet-1k" if re.fullmatch(r"IMAGENET1K_V\d+", entry.name) else ""
    known_from = f"stated by torchvision for {type(entry).__name__}.{entry.name}{note}"
    return ResolvedPreprocessing(values, known_from, trained_on)


def _look_up_export(export: ExportStatement) -> ResolvedPreprocessing:
    """Return what an exported file states; what was assumed before the export still is."""
    own = export.known_from
    known_from = own if own.startswith(_EXPORTED) else f"{_EXPORTED} ({own})" if own else _EXPORTED
    return ResolvedPreprocessing(export.preprocessing, known_from, export.dataset)


def _look_up_timm(architecture: Architecture) -> ResolvedPreprocessing | None:
    """Look up timm's configuration of a model by name; None for a model that was composed from the shapes in a file.

    That a file's weights were trained with it is assumed.
    """
    if not architecture.name.startswith(architectures.TIMM) or "embed_dim" in architecture.options:
        return None
    timm, name = require("timm", "timm"), architecture.name.removeprefix(architectures.TIMM)
    config = timm.get_pretrained_cfg(name, allow_unregistered=True)
    values = config.to_dict() if config is not None else {}
    if size := architecture.options.get("img_size", _fit_square(architecture)):
        values = {**values, "input_size": (3, size, size)}
    return _read_timm_config(values, f"assumed: as timm states for {name}")


def _read_timm_config(config: dict[str, Any], known_from: str) -> ResolvedPreprocessing | None:
    """Return the preprocessing of a timm configuration, or None if it is invalid: it may come from anywhere."""
    try:
        _, height, width = (int(length) for length in config.get("input_size") or (3, 224, 224))
        mean, std = (tuple(config.get(key) or usual) for key, usual in (("mean", _MEAN), ("std", _STD)))
        stated = math.floor(height / float(config.get("crop_pct") or 0.875))
        interpolation, note = find_interpolation(str(config.get("interpolation") or _TIMM_INTERPOLATION))
        values = Preprocessing(
            image_size=height, resize=max(height, stated), mean=mean, std=std, interpolation=interpolation
        )
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None
    if height != width:
        return None
    resize = "" if values.resize == stated else f", but resized to {height} px (its own {stated} px has no such crop)"
    mode = str(config.get("crop_mode") or "center")
    crop = "" if mode == "center" else f", but cropped to the centre (its own crop mode is {mode})"
    return ResolvedPreprocessing(values, known_from + note + resize + crop)


_EXPORTED = "stated by the file, an export of loocbench"
_MEAN, _STD = (Preprocessing.model_fields[name].default for name in ("mean", "std"))


_TIMM_INTERPOLATION = "bicubic"  # where its configuration says nothing


def find_interpolation(own: str) -> tuple[Interpolation, str]:
    """Return how images are resized for a network that was trained with ``own``, and a note if that is not the same."""
    if own in get_args(Interpolation):
        return cast(Interpolation, own), ""
    return BILINEAR, f", but resized bilinearly (its own is {own})"


def read_interpolation(given: str) -> Interpolation | None:
    """Return the interpolation that the user names; None for "". Raises UserError for another."""
    known = get_args(Interpolation)
    if given and given not in known:
        raise unknown("interpolation", given, known)
    return cast(Interpolation, given) if given else None


def _fit_square(architecture: Architecture) -> int:
    """Return the side in pixels of the square of about as many patches as a ViT's images have that are not square.

    0 for other networks.
    """
    height, width = (int(architecture.options.get(name, 0)) for name in ("img_height", "img_width"))
    patch = int(architecture.options.get("patch_size", math.gcd(height, width)))
    return max(1, round(math.sqrt(height * width) / patch)) * patch if height and width else 0


def _assume_imagenet(architecture: Architecture, given: int | None) -> ResolvedPreprocessing:
    options = architecture.options
    size = int(options.get("img_size", options.get("image_size", _fit_square(architecture)))) or (
        32 if "stem_padding" in options else 0
    )
    try:
        size = size or architectures.default_image_size(architecture.name)
    except UserError:  # it is not made for square images
        if given is None:
            raise
        size = given
    return ResolvedPreprocessing(default_preprocessing(size), ASSUMED_IMAGENET)
