"""Faces as pictures for pages and other programs: single ones as data URIs, many on one sheet."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ferlab.files import atomic_path

if TYPE_CHECKING:
    from PIL import Image

TILE = 64  # pixels of a face on the report's sheet
SPRITE_SIDE = 8192  # pixels; TensorFlow's projector shows no larger sheet


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
