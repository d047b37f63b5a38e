"""The names of ImageNet-C's fifteen corruptions (Hendrycks and Dietterich 2019), in their groups and order."""

from __future__ import annotations

CORRUPTIONS: dict[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
_UNAVAILABLE = "frost"  # it blends in photographs of frost, which loocbench does not ship
AVAILABLE = tuple(name for group in CORRUPTIONS.values() for name in group if name != _UNAVAILABLE)
