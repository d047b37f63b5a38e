"""Color operations on red, green and blue values [N] in [0, 1], in place, as in ``loocbench.views.color``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loocbench.views.fused.compiling import inlined

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)  # as the drawn order names them
# float32 throughout: with Python's numbers numba would compute in float64, at half the speed.
_ZERO, _ONE, _TWO, _THREE, _FOUR, _SIX = (np.float32(number) for number in (0, 1, 2, 3, 4, 6))
_RED, _GREEN, _BLUE = np.float32(0.2989), np.float32(0.587), np.float32(0.114)  # torchvision's rgb_to_grayscale
_TINY = np.finfo(np.float32).tiny


@inlined
def change_color(red: Floats, green: Floats, blue: Floats, order: Integers, factors: Floats, mean: np.float32) -> None:
    """Apply the operations of ``order`` in turn. mean: of the image's luma where contrast changes."""
    for operation in order:
        factor = factors[operation]
        if operation == BRIGHTNESS:
            _scale(red, green, blue, factor)
        elif operation == CONTRAST:
            _blend_with_mean(red, green, blue, factor, mean)
        elif operation == SATURATION:
            _blend_with_luma(red, green, blue, factor)
        else:
            _turn_hue(red, green, blue, factor)


@inlined
def add_luma(red: Floats, green: Floats, blue: Floats, sums: Floats) -> None:
    """Add each pixel's luma to a sum of its own: so the loop is vectorised, and sums stay small."""
    for x in range(len(red)):
        sums[x] += _luma(red[x], green[x], blue[x])


@inlined
def make_gray(red: Floats, green: Floats, blue: Floats) -> None:
    """Luma in all channels."""
    for x in range(len(red)):
        luma = _luma(red[x], green[x], blue[x])
        red[x], green[x], blue[x] = luma, luma, luma


@inlined
def _luma(red: np.float32, green: np.float32, blue: np.float32) -> np.float32:
    return red * _RED + green * _GREEN + blue * _BLUE


@inlined
def _clamp(value: np.float32) -> np.float32:
    return min(max(value, _ZERO), _ONE)


@inlined
def _scale(red: Floats, green: Floats, blue: Floats, factor: np.float32) -> None:
    for x in range(len(red)):
        red[x] = _clamp(red[x] * factor)
        green[x] = _clamp(green[x] * factor)
        blue[x] = _clamp(blue[x] * factor)


@inlined
def _blend_with_mean(red: Floats, green: Floats, blue: Floats, factor: np.float32, mean: np.float32) -> None:
    rest = (_ONE - factor) * mean
    for x in range(len(red)):
        red[x] = _clamp(red[x] * factor + rest)
        green[x] = _clamp(green[x] * factor + rest)
        blue[x] = _clamp(blue[x] * factor + rest)


@inlined
def _blend_with_luma(red: Floats, green: Floats, blue: Floats, factor: np.float32) -> None:
    for x in range(len(red)):
        rest = (_ONE - factor) * _luma(red[x], green[x], blue[x])
        red[x] = _clamp(red[x] * factor + rest)
        green[x] = _clamp(green[x] * factor + rest)
        blue[x] = _clamp(blue[x] * factor + rest)


@inlined
def _turn_hue(red: Floats, green: Floats, blue: Floats, turns: np.float32) -> None:
    """Through HSV and back; turns in [-0.5, 0.5]. Written without branches, so that it is vectorised."""
    shift = _SIX * turns
    for x in range(len(red)):
        r, g, b = red[x], green[x], blue[x]
        value = max(max(r, g), b)
        low = min(min(r, g), b)
        chroma = value - low
        of_red, of_green, of_blue = g - b, (b - r) + _TWO * chroma, (r - g) + _FOUR * chroma
        sector = of_green if value == g else of_blue
        sector = of_red if value == r else sector
        # Grey has no hue: 0 / tiny is 0, and without chroma it does not matter.
        sixths = sector / max(chroma, _TINY) + shift
        sixths = sixths + (_SIX if sixths < _ZERO else _ZERO)
        sixths = sixths - (_SIX if sixths >= _SIX else _ZERO)
        red[x] = low + chroma * _clamp(abs(sixths - _THREE) - _ONE)
        green[x] = low + chroma * _clamp(_TWO - abs(sixths - _TWO))
        blue[x] = low + chroma * _clamp(_TWO - abs(sixths - _FOUR))
