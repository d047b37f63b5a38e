"""Rendering of blooms: pure functions of their parameters, at any resolution.

Everything is analytic in the unit square, so one flower looks the same at 32 px and at 512 px; edges are softened over
one pixel. An image is a sum of four layers (ground, stem, petals, heart), each of one colour, weighted pixel by pixel.
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
COLORS = ("purple", "magenta", "fuchsia", "cerise", "pink", "rose")
FIRST_HUE, HUE_RANGE = 0.83, 0.09  # turns; the six bins divide the range evenly
TEXTURES = ("stripes", "checks", "dots", "waves", "speckle")

Array = npt.NDArray[np.float32]
STREAM = 0xB1000000  # of the random numbers; views use (view << 8 | augmentation), far below
_TURN = np.float32(2 * np.pi)


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
        noise=u[:, 3:].astype(np.float32),
    )


def render_blooms(blooms: BloomParameters, size: int) -> npt.NDArray[np.uint8]:
    """Render N flowers. Returns uint8 [N, size, size, 3], RGB."""
    line = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size) * 2 - 1
    x, y = line[None, None, :], line[None, :, None]  # y grows downwards
    n = blooms.noise.T[:, :, None, None]
    center_x, center_y = 0.3 * (n[3] - 0.5), -0.12 + 0.3 * (n[4] - 0.5)
    dx, dy = x - center_x, y - center_y
    radius = 0.52 + 0.14 * n[5]
    distance = np.sqrt(dx * dx + dy * dy)

    bend = 0.25 * (n[6] - 0.5)
    stem = _cover(0.06 + 0.03 * n[7] - np.abs(dx - bend * dy * dy), size) * _cover(dy, size)
    petals = _cover(radius * _petal_outline(blooms, dx, dy) - distance, size)
    heart = _cover(0.22 * radius - distance, size)
    # Light falls from above, on the scene and on the flower: the upright cue, with the stem. A second gradient of
    # random direction hides it from simple averages of brightness.
    angle = _TURN * n[39]
    light = (0.85 + 0.1 * n[15] - (0.3 + 0.12 * n[16]) * y) * (1 + 0.3 * (np.cos(angle) * x + np.sin(angle) * y))
    shade = (0.82 + 0.18 * np.clip(distance / radius, 0, 1)) * (1 - 0.2 * dy / radius)

    behind = (1 - heart) * (1 - petals)
    weights = np.stack(
        [
            behind * (1 - stem) * (1 + 0.35 * _ground_pattern(blooms, x, y)) * light,
            behind * stem * light,
            (1 - heart) * petals * shade * light,
            heart * light,
        ],
        axis=3,
    )
    image = weights.reshape(len(weights), size * size, 4) @ _layer_colors(blooms)
    np.clip(image, 0, 1, out=image)
    return np.rint(image * 255).astype(np.uint8).reshape(-1, size, size, 3)


def hsv_to_rgb(hue: npt.ArrayLike, saturation: npt.ArrayLike, value: npt.ArrayLike) -> Array:
    """HSV to RGB; all in [0, 1] (hue in turns, any real number). Returns the broadcast shape + [3]."""
    offsets = np.array([5.0, 3.0, 1.0])
    k = (offsets + np.asarray(hue)[..., None] * 6) % 6
    weight = np.clip(np.minimum(k, 4 - k), 0, 1)
    rgb: Array = (np.asarray(value)[..., None] * (1 - np.asarray(saturation)[..., None] * weight)).astype(np.float32)
    return rgb


def _layer_colors(blooms: BloomParameters) -> Array:
    """Colours of ground, stem, petals and heart, [N, 4, 3]. Only the petals carry the colour label."""
    n = blooms.noise.T
    hue = FIRST_HUE + HUE_RANGE * (blooms.color + 0.5 + 0.4 * (n[11] - 0.5)) / len(COLORS)
    return np.stack(
        [
            hsv_to_rgb(0.08 + 0.04 * n[0], 0.1 + 0.15 * n[1], 0.35 + 0.4 * n[2]),
            hsv_to_rgb(0.28 + 0.04 * n[8], 0.25 + 0 * n[8], 0.3 + 0.15 * n[9]),
            hsv_to_rgb(hue, 0.65 + 0.3 * n[12], 0.7 + 0.3 * n[13]),
            hsv_to_rgb(0 * n[14], 0 * n[14], 0.15 + 0.8 * n[14]),
        ],
        axis=1,
    )


def _petal_outline(blooms: BloomParameters, dx: Array, dy: Array) -> Array:
    """Distance of the petals' edge from the centre in each pixel's direction, as a share of the radius. [N, S, S]."""
    angle = np.arctan2(dy, dx) + _TURN * blooms.noise[:, 10, None, None]
    petals = np.asarray(PETALS, np.float32)[blooms.species // len(SHAPES)][:, None, None]
    wave = np.abs(np.cos(petals * angle / 2))
    pointed = blooms.species % len(SHAPES) == 1
    outline = np.empty_like(wave)
    outline[pointed] = 0.35 + 0.65 * wave[pointed] ** np.float32(2.5)
    outline[~pointed] = 0.45 + 0.55 * wave[~pointed] ** np.float32(0.6)
    return outline


def _cover(signed_distance: Array, size: int) -> Array:
    """Coverage in [0, 1] of a shape from its signed distance (positive inside), softened over a pixel."""
    return np.clip(signed_distance * (size / 2) + 0.5, 0, 1)


def _ground_pattern(blooms: BloomParameters, x: Array, y: Array) -> Array:
    """The ground's pattern in [-1, 1], one of five kinds, at a random scale, angle and phase. [N, S, S]."""
    n = blooms.noise.T[:, :, None, None]
    angle, frequency = _TURN * n[17], 5 * 2 ** (np.float32(1.5) * n[18])
    u = frequency * np.cos(angle) * x + frequency * np.sin(angle) * y + _TURN * n[19]
    v = frequency * np.cos(angle) * y - frequency * np.sin(angle) * x + _TURN * n[20]
    pattern = np.empty(u.shape, np.float32)
    for kind, formula in enumerate((_stripes, _checks, _dots, _waves, _speckle)):
        chosen = blooms.texture == kind
        pattern[chosen] = formula(u[chosen], v[chosen], blooms.noise[chosen])
    return pattern


def _stripes(u: Array, v: Array, noise: Array) -> Array:
    return np.tanh(4 * np.sin(u))


def _checks(u: Array, v: Array, noise: Array) -> Array:
    return np.tanh(6 * np.sin(u) * np.sin(v))


def _dots(u: Array, v: Array, noise: Array) -> Array:
    return np.divide(2, 1 + np.exp(-8 * (np.cos(u) + np.cos(v) - 0.9))) - 1


def _waves(u: Array, v: Array, noise: Array) -> Array:
    return np.sin(u + 1.5 * np.sin(v))


def _speckle(u: Array, v: Array, noise: Array) -> Array:
    """A sum of six plane waves of random direction: smooth noise without a lattice."""
    total = np.zeros_like(u)
    for wave in range(6):
        angle = _TURN * noise[:, 21 + wave, None, None]
        phase = _TURN * noise[:, 27 + wave, None, None]
        stretch = 1 + noise[:, 33 + wave, None, None]
        total += np.sin(stretch * np.cos(angle) * u + stretch * np.sin(angle) * v + phase)
    return np.clip(total / 2, -1, 1)
