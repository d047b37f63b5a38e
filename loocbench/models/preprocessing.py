"""The preprocessing that a network gets where nothing else is known."""

from __future__ import annotations

from loocbench.types import Preprocessing


def default_preprocessing(image_size: int) -> Preprocessing:
    """Centre crop of ``image_size`` after resizing the short side to 8/7 of it (256 for 224); ImageNet's statistics."""
    return Preprocessing(image_size=image_size, resize=round(image_size * 8 / 7))
