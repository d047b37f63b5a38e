"""What the fifteen corruptions of ImageNet-C are called (Hendrycks and Dietterich 2019), in their groups and order."""

from __future__ import annotations

CORRUPTIONS: dict[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
_NOT_MADE = "frost"  # it lays photographs of frost over the image, which we do not ship
MADE = tuple(name for group in CORRUPTIONS.values() for name in group if name != _NOT_MADE)
