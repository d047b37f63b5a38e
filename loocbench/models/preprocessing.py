"""The preprocessing that a network gets where nothing else is known, and texts about preprocessing."""

from __future__ import annotations

from pydantic import ValidationError

from loocbench.errors import UserError
from loocbench.types import BILINEAR, CheckpointCard, Preprocessing

ASSUMED_IMAGENET = "assumed: ImageNet's"  # where the preprocessing of a card is known from, if from nowhere


def default_resize(image_size: int) -> int:
    """Short side before a centre crop of ``image_size``: 8/7 of it (256 for 224)."""
    return round(image_size * 8 / 7)


def default_preprocessing(image_size: int) -> Preprocessing:
    """Centre crop of ``image_size`` after resizing the short side to 8/7 of it (256 for 224); ImageNet's statistics.

    Raises UserError for sizes that are too small or too large.
    """
    try:
        return Preprocessing(image_size=image_size, resize=default_resize(image_size))
    except ValidationError as error:
        raise UserError(f"{describe_invalid(error)}; give another --image-size.") from error


def describe_preprocessing(values: Preprocessing) -> str:
    """Return "short side 256 px, crop 224 px, mean 0.485, 0.456, 0.406, std 0.229, 0.224, 0.225"."""
    mean, std = (", ".join(f"{value:g}" for value in triple) for triple in (values.mean, values.std))
    how = "" if values.interpolation == BILINEAR else f" ({values.interpolation})"
    return f"short side {values.resize} px{how}, crop {values.image_size} px, mean {mean}, std {std}"


def describe_assumptions(card: CheckpointCard) -> str:
    """Return what was assumed of a checkpoint's network and of its images, or nothing where all of it is known.

    Preprocessing that departs from what is stated (another interpolation) is told, too.
    """
    if card.source is None:
        return ""
    known_from = card.source.preprocessing
    departs = "assumed" in known_from or ", but " in known_from
    values = describe_preprocessing(card.preprocessing)
    told = [f"preprocessing {known_from.removeprefix('assumed: ')} ({values})"] if departs else []
    return "; ".join([*told, *([card.source.assumed] if card.source.assumed else [])])


def describe_invalid(error: ValidationError) -> str:
    """Return why values are not a preprocessing, in one line without a full stop."""
    first = error.errors()[0]
    name = next((str(part) for part in reversed(first["loc"]) if isinstance(part, str)), "")
    if first["type"] == "value_error":
        return str(first["msg"]).removeprefix("Value error, ")
    reason = f"bad value for {name}: {first['msg'].lower()} (given {first['input']})"
    scale = "; mean and std are of pixel values in [0, 1]: divide those of 0 to 255 by 255"
    return reason + (scale if name in ("mean", "std") else "")
