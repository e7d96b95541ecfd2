"""An uploaded file becomes a picture that is safe to show: decoded and encoded anew.

What was hidden in it goes: where it was taken, by which camera, comments, and whatever is no picture at all.
"""

import io
import warnings
from typing import Final

from PIL import Image, ImageOps, ImageSequence

from services.platform_gateway.media.blurhash import blurhash
from shared.actions.media import ORIGINAL, PREVIEW, BadMedia, Picture
from shared.database.media import MediaFile

FORMATS: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}
MAX_BYTES: Final = 16 << 20
"""Of a file as it comes in."""

MAX_PIXELS: Final = 33_177_600
"""Of a JPEG as it comes in, and of all frames of a moving picture: 8K."""

MAX_OTHER_PIXELS: Final = MAX_PIXELS // 2
"""Of a picture that cannot be decoded at a smaller size: 250 MB while it is worked on."""

MAX_FRAMES: Final = 600
_MAX_KEPT: Final = 8_294_400
_PREVIEW: Final = (640, 360)
_QUALITY: Final = 88


def make_picture(content: bytes, *, fit: tuple[int, int] | None = None) -> Picture:
    """Return what is kept of an uploaded file; costs up to a second of CPU. Raises BadMedia.

    Args:
        content: The file; its own bytes say what it is, never its name or what the client calls it.
        fit: Cut to this size in pixels, standing still: for avatars and headers.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=list(FORMATS))
        _check(image)
        return _made(image, fit)
    except BadMedia:
        raise
    except Image.DecompressionBombError:
        raise BadMedia("The picture is too large") from None
    except Exception as error:
        raise BadMedia("This is not a picture that can be read: JPEG, PNG, GIF or WebP") from error


def _check(image: Image.Image) -> None:
    width, height = image.size
    frames = getattr(image, "n_frames", 1)
    most = MAX_PIXELS if image.format == "JPEG" else MAX_OTHER_PIXELS
    if width * height > most or width * height * frames > MAX_PIXELS:
        raise BadMedia(f"The picture is too large (maximum is {most} pixels)")
    if frames > MAX_FRAMES:
        raise BadMedia(f"The picture has too many frames (maximum is {MAX_FRAMES})")


def _made(image: Image.Image, fit: tuple[int, int] | None) -> Picture:
    kind = image.format or ""
    moves = getattr(image, "is_animated", False) and kind in {"GIF", "WEBP"} and fit is None
    still = _still(image)
    if fit is not None:
        still = ImageOps.fit(still, fit, Image.Resampling.LANCZOS)
    if not moves and still.size != _within(still.size):
        still = still.resize(_within(still.size))
    encoded = _moving(image, kind) if moves else _encoded(still, kind)
    preview = still.copy()
    preview.thumbnail(_PREVIEW)
    preview_kind = "PNG" if _is_clear(preview) else "JPEG"
    return Picture(
        variant=ORIGINAL,
        media_type=FORMATS[kind],
        content=encoded,
        width=still.width,
        height=still.height,
        blurhash=blurhash(preview.convert("RGB")),
        preview=MediaFile(
            variant=PREVIEW, media_type=FORMATS[preview_kind], content=_encoded(preview, preview_kind)
        ),
    )


def _still(image: Image.Image) -> Image.Image:
    """Return the first frame, upright, in colours that every format can hold."""
    image.seek(0)
    width, height = _within(image.size)
    # A JPEG can be decoded at a half or a quarter of its size, which is as much as is kept, or nearly.
    image.draft("RGB", (width * 3 // 4, height * 3 // 4))
    ImageOps.exif_transpose(image, in_place=True)
    clear = image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info
    mode = "RGBA" if clear else "RGB"
    # Large ones are not held twice.
    return image if image.mode == mode else image.convert(mode)


def _is_clear(image: Image.Image) -> bool:
    return image.mode == "RGBA"


def _within(size: tuple[int, int]) -> tuple[int, int]:
    """Return a size in the same proportions that has no more pixels than are kept."""
    width, height = size
    scale = min((_MAX_KEPT / (width * height)) ** 0.5, 1.0)
    return max(int(width * scale), 1), max(int(height * scale), 1)


def _encoded(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    # Whatever a format writes of its own accord, it takes from here.
    image.info = {}
    if kind == "JPEG":
        image.convert("RGB").save(out, kind, quality=_QUALITY)
    elif kind == "WEBP":
        image.save(out, kind, quality=_QUALITY)
    else:
        image.save(out, kind)
    return out.getvalue()


def _moving(image: Image.Image, kind: str) -> bytes:
    """Return all frames anew, with nothing beside them but how long each is shown."""
    frames: list[Image.Image] = []
    durations: list[int] = []
    for frame in ImageSequence.Iterator(image):
        durations.append(int(frame.info.get("duration", 100)))
        made = frame.convert("RGBA")
        made.info = {}
        frames.append(made)
    out = io.BytesIO()
    frames[0].save(
        out,
        kind,
        save_all=True,
        append_images=frames[1:],
        duration=durations,
        loop=int(image.info.get("loop", 0)),
        disposal=2,
    )
    return out.getvalue()
