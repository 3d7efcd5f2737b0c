"""Reading frames and masks rightly, or refusing them; writing masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
"""Those that are read, whatever a file is called: of an EPS named .png Pillow would start Ghostscript."""
MAX_PIXELS = 100_000_000
"""Frames that claim more are refused from their header, before memory is asked for (decompression bombs)."""

_ORIENTATION = 0x0112
_COLOUR_MODES = {"RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"}
_T = TypeVar("_T")


def read_rgb(path: Path, where: str) -> NDArray[np.uint8]:
    """Read a frame of any usual pixel format.

    Grey is repeated over the channels; transparent pixels show white, as in viewers; CMYK is converted; 16-bit
    values v become round(v / 257), or their high byte in 16-bit RGB. EXIF orientation is applied. Of a file with
    several pictures the first is taken.

    Args:
        path: the file.
        where: what it belongs to, the start of error messages, e.g. "clip 'x'".

    Returns:
        [H, W, 3] uint8 RGB.

    Raises:
        InputError: no such file, empty, not an image, cut short, above MAX_PIXELS, or 32-bit pixels.
    """
    title = f"{where}: frame {path.name}"

    def pixels(image: Image.Image) -> NDArray[np.uint8]:
        if image.mode in ("I", "F"):
            raise InputError(f"{title} has 32-bit pixels (mode {image.mode}); expected 8 or 16 bits")
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):
            # Pillow's own conversion clips at 255 instead of scaling.
            grey = ((np.asarray(upright).astype(np.uint32) + 128) // 257).astype(np.uint8)
            return np.repeat(grey[..., None], 3, axis=2)
        if upright.has_transparency_data:
            return over_white(np.asarray(upright.convert("RGBA")))
        return np.array(upright.convert("RGB"))

    return _with_image(path, title, pixels)


def over_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """[..., 4] uint8 RGBA upon white, [..., 3]: round(a c + (1 - a) 255)."""
    colour, alpha = pixels[..., :3].astype(np.uint32), pixels[..., 3:].astype(np.uint32)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def read_mask(path: Path, where: str) -> NDArray[np.uint8]:
    """Read a map of class ids: the stored values of a grey image, the indices of a palette image.

    Of grey with alpha (one mask of DAVIS is so) the grey values count, as in :func:`read_rgb`.

    Args:
        path: the file.
        where: what it belongs to, the start of error messages.

    Returns:
        [H, W] uint8.

    Raises:
        InputError: as for :func:`read_rgb`; a colour image; a value above 255 in a 16- or 32-bit mask.
    """
    title = f"{where}: mask {path.name}"

    def ids(image: Image.Image) -> NDArray[np.uint8]:
        if image.mode in _COLOUR_MODES:
            raise InputError(f"{title} is a colour image (mode {image.mode}); expected one channel of class ids")
        if image.mode not in ("1", "L", "LA", "P", "I") and not image.mode.startswith("I;16"):
            raise InputError(f"{title} has pixels of mode {image.mode}; expected one channel of class ids")
        scale = _grey_scale(image)
        upright = ImageOps.exif_transpose(image)
        grey = upright.getchannel("L") if upright.mode == "LA" else upright
        values = np.asarray(grey).astype(np.int64) // scale
        outside = values[(values < 0) | (values > 255)]
        if outside.size:
            raise InputError(f"{title} holds id {outside.min()}; expected ids of 0..255")
        return values.astype(np.uint8)

    return _with_image(path, title, ids)


def is_colour_image(path: Path, where: str) -> bool:
    """Whether an image holds colours and not ids or the indices of a palette; from its header alone.

    Raises:
        InputError: no such file, empty, not an image, or above MAX_PIXELS.
    """
    return _with_image(path, f"{where}: mask {path.name}", lambda image: image.mode in _COLOUR_MODES)


def image_size(path: Path, where: str) -> tuple[int, int]:
    """Height and width as :func:`read_rgb` gives them, from the header alone (EXIF behind the pixels is not seen).

    Raises:
        InputError: no such file, empty, not an image, or above MAX_PIXELS.
    """

    def size(image: Image.Image) -> tuple[int, int]:
        # Pillow decodes a whole PNG to look for EXIF behind the pixels, and turns TIFF sizes itself.
        header_only = image.format != "PNG" or "exif" in image.info
        turned = header_only and image.format != "TIFF" and image.getexif().get(_ORIENTATION, 1) >= 5
        return (image.width, image.height) if turned else (image.height, image.width)

    return _with_image(path, f"{where}: frame {path.name}", size)


def write_mask_png(path: Path, labels: NDArray[np.uint8], colours: NDArray[np.uint8]) -> None:
    """Write ids as a palette PNG, which viewers show in colours; the file appears whole or not at all.

    Args:
        path: the file, replaced where it exists.
        labels: [H, W] uint8 ids, stored as they are.
        colours: [n, 3] uint8 RGB of ids 0..n-1, n at most 256; ids beyond are shown black.
    """
    if labels.dtype != np.uint8 or labels.ndim != 2:
        raise ValueError(f"labels must be [H, W] uint8, not {labels.shape} {labels.dtype}")
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(colours)] = colours
    image = Image.fromarray(labels)
    image.putpalette(palette.tobytes())
    with replacing(path, tidy=False) as partial:  # there are as many in a folder as a clip has frames
        image.save(partial, format="PNG", bits=8)


def _with_image(path: Path, title: str, use: Callable[[Image.Image], _T]) -> _T:
    """Open an image and hand it to `use`; whatever goes wrong becomes an InputError that starts with `title`."""
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{title} is empty (0 bytes); fetch it again, or leave its clip out")
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(
                    f"{title} claims {image.width} x {image.height} pixels; at most {MAX_PIXELS:,} are read"
                )
            return use(image)
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{title} claims too many pixels; at most {MAX_PIXELS:,} are read ({error})") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{title} is not an image that can be read") from error
    except Exception as error:  # Pillow's decoders raise errors of every kind on damaged files
        if isinstance(error, OSError) and error.strerror:
            raise InputError(f"{title} cannot be opened: {error.strerror} ({path})") from error
        raise InputError(f"{title} is damaged or cut short ({error})") from error


def _grey_scale(image: Image.Image) -> int:
    """The factor by which Pillow stretches 2- and 4-bit grey values to 0..255 on loading; call before."""
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    arguments = tiles[0].args if tiles else ""
    raw_mode = arguments if isinstance(arguments, str) else str((arguments or ("",))[0])
    return {"L;2": 85, "L;4": 17}.get(raw_mode[:3], 1)
