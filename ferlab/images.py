"""Faces as pictures for pages and other programs: single ones as data URIs, many on one sheet."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ferlab.errors import FerlabError
from ferlab.files import atomic_path

if TYPE_CHECKING:
    from PIL import Image

_TWELVE_BITS = 4095
_CHANNELS = (1, 2, 3, 4)  # gray and color, each with or without opacity
TILE = 64  # pixels of a face on the report's sheet
SPRITE_SIDE = 8192  # pixels; TensorFlow's projector shows no larger sheet


def as_pictures(images: np.ndarray) -> np.ndarray:
    """Images in any usual form as uint8 (N, H, W, 1 or 3); those that are that already are not copied.

    Floats may run from 0 to 1, from -1 to 1 or from 0 to 255, integers of more than 8 bits up to 65535, and beyond
    4095; pixels that are no number become black. What is transparent is laid on white; channels may come first, as in
    PyTorch; images of one channel may lack it.

    Raises:
        FerlabError: no images of one size, or numbers of which it is not clear what is black and white.

    Example:
        >>> as_pictures(np.full((2, 4, 4), 0.5)).shape, int(as_pictures(np.full((2, 4, 4), 0.5)).max())
        ((2, 4, 4, 1), 128)
    """
    try:
        images = np.asarray(images)
        numbers = images.dtype.kind in "biuf"
    except (TypeError, ValueError, RuntimeError):  # sizes that differ; what lies on a GPU
        numbers = False
    if not numbers or images.ndim not in (3, 4):
        found = f"{images.dtype} of shape {images.shape}" if isinstance(images, np.ndarray) else type(images).__name__
        raise FerlabError(
            f"Pictures are one array of numbers (N, H, W, C) or (N, H, W), all of one size, but this is {found}."
        )
    if images.ndim == 3:
        images = images[..., None]
    elif images.shape[-1] not in _CHANNELS and images.shape[1] in _CHANNELS:
        images = np.moveaxis(images, 1, -1)
    if images.shape[-1] not in _CHANNELS:
        raise FerlabError(f"Pictures have 1 to 4 channels, but an array of shape {images.shape} has none of 1 to 4.")
    pixels = _eight_bits(images)
    if pixels.shape[-1] in (1, 3):
        return pixels
    color, opacity = pixels[..., :-1].astype(np.float32), pixels[..., -1:].astype(np.float32) / 255
    return np.round(color * opacity + 255 * (1 - opacity)).astype(np.uint8)


def _eight_bits(images: np.ndarray) -> np.ndarray:
    """uint8, black 0 and white 255."""
    if images.dtype == np.uint8 or not images.size:
        return images.astype(np.uint8, copy=False)
    if images.dtype.kind == "b":
        return images.astype(np.uint8) * 255
    if images.dtype.kind == "f":
        images = np.where(np.isfinite(images), images, 0).astype(np.float32)
    low, high = float(images.min()), float(images.max())
    if images.dtype.kind == "f" and low >= -1 and high <= 1:
        scaled = images * 255 if low >= 0 else (images + 1) * 127.5
    elif low >= 0 and high <= 255:
        scaled = images
    elif images.dtype.kind != "f" and low >= 0 and _TWELVE_BITS < high <= 65535:  # twelve bits would be black
        scaled = images / np.float32(257)
    else:
        raise FerlabError(
            f"The numbers of the pictures run from {low:.4g} to {high:.4g}, so it is not clear what is black and what "
            "is white: give uint8, or floats from 0 to 1 (undo the normalization)."
        )
    return np.round(scaled).astype(np.uint8)


def data_uri(image: np.ndarray, size: int | None = None) -> str:
    """A uint8 image (H, W, 1 or 3) as a JPEG data URI, resized to `size` pixels square if given.

    >>> data_uri(np.zeros((8, 8, 3), dtype=np.uint8)).startswith("data:image/jpeg;base64,")
    True
    """
    return encoded(picture_of(image, size), "jpeg", quality=88)


def sprite_sheet(images: np.ndarray) -> tuple[str, int]:
    """All faces (N, H, W, 1 or 3) on one sheet of 64 px tiles, as a data URI, and the number of columns."""
    from PIL import features

    columns = max(1, math.ceil(math.sqrt(len(images))))
    sheet = tiled(images, columns, rows=math.ceil(len(images) / columns), tile=TILE)
    if features.check("webp"):
        return encoded(sheet, "webp", quality=78, method=2), columns
    return encoded(sheet, "jpeg", quality=82), columns


def write_sprite(path: Path, images: np.ndarray) -> int:
    """All faces (N, H, W, 1 or 3) on one square PNG sheet; returns the side of a tile."""
    columns = math.ceil(math.sqrt(len(images)))
    tile = min(int(images.shape[1]), SPRITE_SIDE // columns)
    with atomic_path(path) as beside:
        tiled(images, columns, rows=columns, tile=tile).save(beside, "PNG")
    return tile


def png_bytes(image: np.ndarray) -> bytes:
    """A uint8 image (H, W, 1 or 3) as the content of a PNG file."""
    buffer = io.BytesIO()
    picture_of(image).save(buffer, "PNG")
    return buffer.getvalue()


def tiled(images: np.ndarray, columns: int, *, rows: int, tile: int) -> Image.Image:
    """The faces row by row, each scaled to a tile of so many pixels."""
    from PIL import Image

    sheet = Image.new("RGB", (columns * tile, rows * tile))
    for i, image in enumerate(images):
        sheet.paste(picture_of(image, tile).convert("RGB"), (i % columns * tile, i // columns * tile))
    return sheet


def picture_of(image: np.ndarray, size: int | None = None) -> Image.Image:
    """A uint8 image (H, W, 1 or 3) as a Pillow picture, resized to `size` pixels square if given."""
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    if size is not None and picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return picture


def encoded(picture: Image.Image, kind: str, **options: int) -> str:
    """A picture as a data URI; `options` are Pillow's for that kind of file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind.upper(), **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
