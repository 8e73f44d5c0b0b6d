"""Pictures, drawn anew: what the camera or a program wrote beside the picture does not come along (security.md F1)."""

from __future__ import annotations

import warnings
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from iom.files.refusing import Refused

MOST_PIXELS = 50_000_000  # A scan of A3 at 300 dots an inch has 17 million.
JPEG_QUALITY = 90
# A phone writes several pictures into one JPG and calls it MPO; the first is the picture.
_FORMATS = {"jpg": ("JPEG", "MPO"), "png": ("PNG",)}
_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def redrawn(content: bytes, kind: str) -> bytes:
    """The picture alone, upright, in the same format ("jpg" or "png"). Raises `Refused`."""
    try:
        with warnings.catch_warnings():
            # Pillow speaks of odd metadata and of many pixels: the one is left out, the other counted here.
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content), formats=_FORMATS[kind]) as picture:
                _must_be_small(picture)
                picture.load()
                return _written(ImageOps.exif_transpose(picture), kind)
    except Refused:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise Refused("cannot be opened as a picture. Save it again and choose that") from error
    except (MemoryError, OverflowError, TypeError, KeyError, IndexError, AttributeError) as error:
        # What a damaged picture makes of its reader.
        raise Refused("cannot be opened as a picture. Save it again and choose that") from error


def _must_be_small(picture: Image.Image) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise Refused(f"is {width} by {height} pixels: too large. Make it smaller than 50 million pixels")


def _written(picture: Image.Image, kind: str) -> bytes:
    if kind == "jpg":
        plain = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
    else:
        plain = picture if picture.mode in _PNG_MODES else picture.convert("RGBA")
    # All that is left beside the picture: which colour of a palette is clear.
    plain.info = {name: value for name, value in plain.info.items() if name == "transparency"}
    kept = BytesIO()
    if kind == "jpg":
        plain.save(kept, "JPEG", quality=JPEG_QUALITY)
    else:
        plain.save(kept, "PNG")
    return kept.getvalue()
