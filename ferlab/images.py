"""Faces as data URIs."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path

import numpy as np

from ferlab.files import atomic_path

TILE = 64
SPRITE_SIDE = 8192  # TensorFlow's projector shows no larger sprite


def data_uri(image: np.ndarray, size: int | None = None) -> str:
    """A uint8 image (H, W, 1 or 3) as a JPEG data URI, resized to `size` pixels square if given.

    >>> data_uri(np.zeros((8, 8, 3), dtype=np.uint8)).startswith("data:image/jpeg;base64,")
    True
    """
    from PIL import Image

    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)
    if size is not None and picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def sprite_sheet(images: np.ndarray) -> tuple[str, int]:
    """All faces on one sheet of 64 px tiles, as a data URI, and the number of columns."""
    from PIL import Image, features

    columns = max(1, math.ceil(math.sqrt(len(images))))
    sheet = Image.new("RGB", (columns * TILE, math.ceil(len(images) / columns) * TILE))
    for i, array in enumerate(images):
        face = Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).convert("RGB")
        if face.size != (TILE, TILE):
            face = face.resize((TILE, TILE), Image.Resampling.LANCZOS)
        sheet.paste(face, (i % columns * TILE, i // columns * TILE))
    buffer = io.BytesIO()
    if features.check("webp"):
        sheet.save(buffer, "WEBP", quality=78, method=2)
        kind = "webp"
    else:
        sheet.save(buffer, "JPEG", quality=82)
        kind = "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}", columns


def write_sprite(path: Path, images: np.ndarray) -> int:
    """All images on one square sheet; returns the side of a tile."""
    from PIL import Image

    columns = math.ceil(math.sqrt(len(images)))
    tile = min(images.shape[1], SPRITE_SIDE // columns)
    sheet = Image.new("RGB", (columns * tile, columns * tile))
    for i, array in enumerate(images):
        face = Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).convert("RGB")
        sheet.paste(face.resize((tile, tile)), (i % columns * tile, i // columns * tile))
    with atomic_path(path) as beside:
        sheet.save(beside, "PNG")
    return tile


def png_bytes(image: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()
