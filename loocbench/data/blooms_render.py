"""Rendering of blooms: pure functions of their parameters, at any resolution.

Everything is analytic in the unit square, so one flower looks the same at 32 px and at 512 px; edges are smoothed
by averaging 2 x 2 samples per pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loocbench import philox

PETALS = (3, 4, 5, 6, 8)
SHAPES = ("round", "pointed")
SPECIES = tuple(f"{count} {shape} petals" for count in PETALS for shape in SHAPES)
# All hues lie within what MoCo v2's hue jitter (up to 0.1 turns either way) can turn into one another, so that a space
# that ignores the jitter has to forget the label.
COLORS = ("violet", "purple", "magenta", "fuchsia", "pink", "rose")
FIRST_HUE, HUE_RANGE = 0.80, 0.15  # turns; the six bins divide the range evenly
TEXTURES = ("stripes", "checks", "dots", "waves", "speckle")

Array = npt.NDArray[np.float64]
_SUPERSAMPLING = 2
STREAM = 0xB1000000  # of the random numbers; views use (view << 8 | augmentation), far below


@dataclass(frozen=True)
class BloomParameters:
    """Random parameters of N flowers: the labels, and uniform numbers for everything else."""

    species: npt.NDArray[np.int64]
    color: npt.NDArray[np.int64]
    texture: npt.NDArray[np.int64]
    noise: Array  # [N, 40], uniform in (0, 1)


def draw_blooms(seed: int, indices: npt.ArrayLike) -> BloomParameters:
    """Draw the parameters of images ``indices`` [N]; species, color, texture and the rest are independent."""
    u = philox.uniforms(seed, indices, major=0, minor=STREAM, count=43)
    return BloomParameters(
        species=(u[:, 0] * len(SPECIES)).astype(np.int64),
        color=(u[:, 1] * len(COLORS)).astype(np.int64),
        texture=(u[:, 2] * len(TEXTURES)).astype(np.int64),
        noise=u[:, 3:],
    )


def render_blooms(blooms: BloomParameters, size: int) -> npt.NDArray[np.uint8]:
    """Render N flowers. Returns uint8 [N, size, size, 3], RGB."""
    samples = size * _SUPERSAMPLING
    line = (np.arange(samples) + 0.5) / samples * 2 - 1
    x, y = line[None, None, :], line[None, :, None]  # y grows downwards
    n = blooms.noise.T[:, :, None, None]

    ground = (
        hsv_to_rgb(0.08 + 0.04 * n[0], 0.1 + 0.15 * n[1], 0.35 + 0.4 * n[2])
        * (1 + 0.35 * _draw_ground(blooms, x, y))[..., None]
    )
    image = ground

    center_x, center_y = 0.3 * (n[3] - 0.5), -0.12 + 0.3 * (n[4] - 0.5)
    radius = 0.42 + 0.22 * n[5]
    # The upright cue, first half: a grey-green stem from the flower down to the lower edge.
    bend = 0.25 * (n[6] - 0.5)
    below = y - center_y
    stem = _cover(0.06 + 0.03 * n[7] - np.abs(x - center_x - bend * below**2), size) * _cover(below, size)
    image = _paint(image, hsv_to_rgb(0.28 + 0.04 * n[8], 0.25 + 0 * n[8], 0.3 + 0.15 * n[9]), stem)

    dx, dy = x - center_x, y - center_y
    distance, angle = np.hypot(dx, dy), np.arctan2(dy, dx) + 2 * np.pi * n[10]
    petals = np.asarray(PETALS)[blooms.species // len(SHAPES)][:, None, None]
    pointed = (blooms.species % len(SHAPES) == 1)[:, None, None]
    wave = np.abs(np.cos(petals * angle / 2))
    rounding = np.where(pointed, 2.5, 0.6)  # one power for each flower
    outline = radius * (np.where(pointed, 0.35, 0.45) + np.where(pointed, 0.65, 0.55) * wave**rounding)
    hue = FIRST_HUE + HUE_RANGE * (blooms.color[:, None, None] + 0.5 + 0.7 * (n[11] - 0.5)) / len(COLORS)
    shade = 0.82 + 0.18 * np.clip(distance / radius, 0, 1)
    image = _paint(
        image, hsv_to_rgb(hue, 0.65 + 0.3 * n[12], (0.7 + 0.3 * n[13]) * shade), _cover(outline - distance, size)
    )
    # The heart of the flower is grey, so that only the petals carry the colour label.
    image = _paint(image, hsv_to_rgb(0 * n[14], 0 * n[14], 0.15 + 0.8 * n[14]), _cover(0.22 * radius - distance, size))
    # The upright cue, second half: light from above.
    image *= (0.85 + 0.1 * n[15] - (0.18 + 0.12 * n[16]) * y)[..., None]

    pixels = np.clip(image, 0, 1).reshape(-1, size, _SUPERSAMPLING, size, _SUPERSAMPLING, 3).mean(axis=(2, 4))
    return np.rint(pixels * 255).astype(np.uint8)


def hsv_to_rgb(hue: Array, saturation: Array, value: Array) -> Array:
    """HSV to RGB; all in [0, 1] (hue in turns, any real number). Returns the broadcast shape + [3]."""
    offsets = np.array([5.0, 3.0, 1.0])
    k = (offsets + np.asarray(hue)[..., None] * 6) % 6
    weight = np.clip(np.minimum(k, 4 - k), 0, 1)
    return np.asarray(value)[..., None] * (1 - np.asarray(saturation)[..., None] * weight)


def _cover(signed_distance: Array, size: int) -> Array:
    """Coverage in [0, 1] of a shape from its signed distance (positive inside), softened over a pixel."""
    return np.clip(signed_distance * size / 2 + 0.5, 0, 1)


def _paint(image: Array, color: Array, coverage: Array) -> Array:
    """The image with ``color`` over it; coverage: in [0, 1]."""
    layer = color - image
    layer *= coverage[..., None]
    layer += image
    return layer


def _draw_ground(blooms: BloomParameters, x: Array, y: Array) -> Array:
    """The ground's pattern in [-1, 1], one of five kinds, at a random scale, angle and phase. [N, S, S]."""
    n = blooms.noise.T[:, :, None, None]
    angle, frequency = 2 * np.pi * n[17], 5 * 2 ** (1.5 * n[18])
    u = frequency * (np.cos(angle) * x + np.sin(angle) * y) + 2 * np.pi * n[19]
    v = frequency * (np.cos(angle) * y - np.sin(angle) * x) + 2 * np.pi * n[20]
    pattern = np.empty(u.shape)
    for kind, formula in enumerate((_stripes, _checks, _dots, _waves, _speckle)):
        chosen = blooms.texture == kind
        pattern[chosen] = formula(u[chosen], v[chosen], blooms.noise[chosen])
    return pattern


def _stripes(u: Array, v: Array, noise: Array) -> Array:
    return np.tanh(4 * np.sin(u))


def _checks(u: Array, v: Array, noise: Array) -> Array:
    return np.tanh(6 * np.sin(u) * np.sin(v))


def _dots(u: Array, v: Array, noise: Array) -> Array:
    return 2 / (1 + np.exp(-8 * (np.cos(u) + np.cos(v) - 0.9))) - 1


def _waves(u: Array, v: Array, noise: Array) -> Array:
    return np.sin(u + 1.5 * np.sin(v))


def _speckle(u: Array, v: Array, noise: Array) -> Array:
    """A sum of six plane waves of random direction: smooth noise without a lattice."""
    total = np.zeros_like(u)
    for wave in range(6):
        angle = 2 * np.pi * noise[:, 21 + wave][:, None, None]
        phase = 2 * np.pi * noise[:, 27 + wave][:, None, None]
        stretch = 1 + noise[:, 33 + wave][:, None, None]
        total += np.sin(stretch * (np.cos(angle) * u + np.sin(angle) * v) + phase)
    return np.clip(total / 2, -1, 1)
