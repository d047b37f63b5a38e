"""Weather: snow, fog and brightness. Frost needs six photographs of frosted glass, and is missing.

Each function takes an image uint8 [3, S, S], a severity 1 .. 5 and uniform numbers in (0, 1), and returns uint8
[3, S, S]. Snow and fog are layers over the image, always computed for 224 px and then resized, so that flakes and
clouds cover the same part of the image at any resolution (this project's choice).
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy.special import ndtri

from loocbench.changes.corruptions.motion import blur_along_line
from loocbench.changes.corruptions.pixels import PUBLISHED_SIZE, Bytes, Floats, to_bytes
from loocbench.changes.corruptions.plasma import make_plasma
from loocbench.changes.corruptions.zooming import make_zoom_matrix

# mean and deviation of the flakes' noise, its zoom, threshold, radius and sigma of their fall, share of the image
_SNOW = (
    (0.1, 0.3, 3.0, 0.5, 10, 4, 0.8),
    (0.2, 0.3, 2.0, 0.5, 12, 4, 0.7),
    (0.55, 0.3, 4.0, 0.9, 12, 8, 0.7),
    (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
    (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
)
_FOG = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))  # thickness, decay of the plasma
_BRIGHTNESS = (0.1, 0.2, 0.3, 0.4, 0.5)  # added to the value of HSV
_LUMA = np.array([0.299, 0.587, 0.114])
_PLASMA_SIDE = 256

SNOW_UNIFORMS = PUBLISHED_SIZE**2 + 1
FOG_UNIFORMS = _PLASMA_SIDE**2 - 1


def snow(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Whiten the image; add flakes that fall within 45 degrees of straight down, and the same flakes rotated by 180
    degrees. u: ``SNOW_UNIFORMS`` numbers."""
    mean, deviation, factor, threshold, radius, sigma, share = _SNOW[severity - 1]
    noise = mean + deviation * ndtri(u[:-1]).reshape(PUBLISHED_SIZE, PUBLISHED_SIZE)
    zoom = make_zoom_matrix(PUBLISHED_SIZE, factor)
    flakes = zoom @ noise @ zoom.T
    fallen = blur_along_line(to_bytes(np.where(flakes < threshold, 0, flakes)), radius, sigma, -135 + 90 * float(u[-1]))
    layer = _resize_layer(fallen / 255, image.shape[-1])
    pixels = image / 255
    whitened = np.maximum(pixels, np.tensordot(_LUMA, pixels, 1) * 1.5 + 0.5)
    return to_bytes(share * pixels + (1 - share) * whitened + layer + layer[::-1, ::-1])


def fog(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Add plasma to the image, and scale the sum so that its largest possible value is that of the image. u:
    ``FOG_UNIFORMS`` numbers."""
    thickness, decay = _FOG[severity - 1]
    layer = make_plasma(u, _PLASMA_SIDE, decay)[:PUBLISHED_SIZE, :PUBLISHED_SIZE]
    pixels = image / 255
    largest = pixels.max()
    return to_bytes((pixels + thickness * _resize_layer(layer, image.shape[-1])) * largest / (largest + thickness))


def brightness(image: Bytes, severity: int, u: Floats) -> Bytes:
    """Add to the value of HSV, hue and saturation unchanged."""
    pixels = image / 255
    value = pixels.max(axis=0)
    # At a given hue and saturation, the channels are proportional to the value. Black has neither: it turns grey.
    shares = np.where(value > 0, pixels / np.where(value > 0, value, 1), 1)
    return to_bytes(shares * np.minimum(value + _BRIGHTNESS[severity - 1], 1))


def _resize_layer(layer: Floats, size: int) -> Floats:
    """Resize a layer [224, 224] to [size, size]: linear, with antialiasing where it shrinks."""
    if size == len(layer):
        return layer
    image = Image.fromarray(layer.astype(np.float32))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), dtype=np.float64)
