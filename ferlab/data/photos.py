"""The face in a photo, cut out as the built-in faces are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ferlab.data.decoding import MEGAPIXELS, NoImage, read_image
from ferlab.errors import FerlabError

LONGEST_SIDE = 1280  # pixels; larger photos are scaled down before the search
# The built-in faces' crop beside the detector's box: its side, and how far down its center lies, in units of the box's
# side. Medians over rendered faces that were pasted into larger pictures.
CROP_SIDE, CROP_DOWN = 1.14, 0.04
INSTALL = "To find the face in a photo, ferlab needs OpenCV: install it with `pip install 'ferlab[photos]'`."


def read_photo(source: str | Path | bytes, *, megapixels: float = MEGAPIXELS) -> np.ndarray:
    """An image file, or its content, as uint8 (H, W, 3), upright as its camera held it.

    Args:
        source: path, or the content of a file.
        megapixels: of the largest photo that is read.

    Raises:
        FerlabError: no such file, no image, or one that is too large or whose range is not known.

    Example:
        >>> read_photo(b"no image")
        Traceback (most recent call last):
        ...
        ferlab.errors.FerlabError: The file is no image that can be read: choose a JPEG, PNG, ...
    """
    from PIL import Image

    name = "The file" if isinstance(source, bytes) else f"The file {source}"
    try:
        picture = read_image(source, megapixels=megapixels)
    except OSError as error:
        raise FerlabError(f"{name} cannot be opened ({error.strerror}): name an image file.") from error
    except (NoImage, ValueError) as error:
        raise FerlabError(
            f"{name} is no image that can be read: choose a JPEG, PNG, WebP, BMP, GIF or TIFF file."
        ) from error
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def find_faces(photo: np.ndarray) -> np.ndarray:
    """Boxes of the upright frontal faces in a photo, the largest first: int array (n, 4) of x, y, width, height.

    By OpenCV's Haar cascade for frontal faces, whose file comes with OpenCV 4: nothing is downloaded and nothing leaves
    the computer. (Viola & Jones, *Rapid Object Detection using a Boosted Cascade of Simple Features*, CVPR 2001.)

    Args:
        photo: uint8 (H, W, 3).

    Raises:
        FerlabError: OpenCV is not installed.
    """
    cascade, cv2 = face_detector()
    gray = cv2.equalizeHist(cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY))
    least = max(24, min(gray.shape) // 12)
    boxes = cascade.detectMultiScale(gray, scaleFactor=1.1, minNeighbors=3, minSize=(least, least))
    boxes = np.asarray(boxes, dtype=np.int64).reshape(-1, 4)
    return boxes[np.argsort(-boxes[:, 2], kind="stable")]


def crop_face(photo: np.ndarray, size: int) -> np.ndarray:
    """The largest face of a photo in the built-in faces' crop, from the forehead to below the chin.

    Args:
        photo: uint8 (H, W, 3).
        size: side of the crop in pixels.

    Returns:
        uint8 (size, size, 3). Where the crop reaches beyond the photo, its edge is repeated.

    Raises:
        FerlabError: no face is found, or OpenCV is not installed.
    """
    from PIL import Image

    boxes = find_faces(photo)
    if not len(boxes):
        raise FerlabError("No face was found: choose a photo with an upright face that looks towards the camera.")
    x, y, width, height = boxes[0].tolist()
    half = CROP_SIDE * width / 2
    across, down = x + width / 2, y + height / 2 + CROP_DOWN * height
    around = int(np.ceil(half))
    padded = Image.fromarray(np.pad(photo, [(around, around), (around, around), (0, 0)], mode="edge"))
    left, top = across - half + around, down - half + around
    crop = padded.resize(
        (size, size), Image.Resampling.LANCZOS, box=(left, top, left + 2 * half, top + 2 * half), reducing_gap=3.0
    )
    return np.asarray(crop)


@lru_cache(maxsize=1)
def face_detector() -> tuple[Any, Any]:
    """The detector and the module it is from.

    Raises:
        FerlabError: OpenCV is not installed, or has no such detector.
    """
    try:
        import cv2

        # OpenCV 5 has neither the class nor the file.
        path = Path(cv2.data.haarcascades) / "haarcascade_frontalface_alt2.xml"
        cascade = cv2.CascadeClassifier(str(path))
    except (ImportError, AttributeError) as error:
        raise FerlabError(INSTALL) from error
    return cascade, cv2
