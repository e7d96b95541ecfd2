"""BlurHash: a few waves of colour that stand for a picture while it loads (https://blurha.sh)."""

import math
from typing import Final

from PIL import Image

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_ACROSS, _DOWN = 4, 3
_SIDE: Final = 32
_LINEAR_PART: Final = 0.04045
_Colour = tuple[float, float, float]


def blurhash(image: Image.Image) -> str:
    """Return the hash of an RGB picture, with 4 waves across and 3 down."""
    small = image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR).tobytes()
    linear = [[_LINEAR[small[place + channel]] for channel in range(3)] for place in range(0, len(small), 3)]
    waves = [_wave(linear, across, down) for down in range(_DOWN) for across in range(_ACROSS)]
    first, rest = waves[0], waves[1:]
    peak = max(abs(value) for wave in rest for value in wave)
    step = max(0, min(82, math.floor(peak * 166 - 0.5)))
    scale = (step + 1) / 166
    digits = [_base83(_ACROSS - 1 + (_DOWN - 1) * 9, 1), _base83(step, 1), _base83(_average(first), 4)]
    return "".join(digits + [_base83(_detail(wave, scale), 2) for wave in rest])


def _wave(linear: list[list[float]], across: int, down: int) -> _Colour:
    total = [0.0, 0.0, 0.0]
    for y, vertical in enumerate(_COSINES[down]):
        for x, horizontal in enumerate(_COSINES[across]):
            weight = vertical * horizontal
            red, green, blue = linear[y * _SIDE + x]
            total[0] += weight * red
            total[1] += weight * green
            total[2] += weight * blue
    factor = (1 if across == down == 0 else 2) / (_SIDE * _SIDE)
    return total[0] * factor, total[1] * factor, total[2] * factor


def _average(colour: _Colour) -> int:
    red, green, blue = (_to_srgb(value) for value in colour)
    return (red << 16) + (green << 8) + blue


def _detail(colour: _Colour, scale: float) -> int:
    quantised = [
        max(0, min(18, math.floor(math.copysign(abs(value / scale) ** 0.5, value) * 9 + 9.5)))
        for value in colour
    ]
    return quantised[0] * 361 + quantised[1] * 19 + quantised[2]


def _to_linear(value: int) -> float:
    part = value / 255
    return part / 12.92 if part <= _LINEAR_PART else ((part + 0.055) / 1.055) ** 2.4


def _to_srgb(value: float) -> int:
    part = max(0.0, min(1.0, value))
    bent = part * 12.92 if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055  # noqa: PLR2004 - sRGB
    return int(bent * 255 + 0.5)


def _base83(value: int, length: int) -> str:
    return "".join(_DIGITS[value // 83**place % 83] for place in reversed(range(length)))


_LINEAR: Final = [_to_linear(value) for value in range(256)]
_COSINES: Final = [
    [math.cos(math.pi * wave * place / _SIDE) for place in range(_SIDE)] for wave in range(_ACROSS)
]
