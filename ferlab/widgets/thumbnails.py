"""Faces as data URIs."""

from __future__ import annotations

import base64
import io

import numpy as np


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
