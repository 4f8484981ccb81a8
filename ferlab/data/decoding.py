"""Image files as pixels: the one function that decodes every image of the package, of any format and depth."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from ferlab.arguments import check_cap
from ferlab.errors import FerlabError
from ferlab.files import regular_file

if TYPE_CHECKING:
    from PIL import Image

MEGAPIXELS = 64  # of the largest image that is read; eight at a time then take 1.5 GB
# The largest file, for each megapixel that is allowed: four channels of 16 bits, not compressed.
_BYTES_A_PIXEL = 8
# Not opened whatever they hold: PostScript starts a program of its own, the next ones Pillow only recognizes, and the
# last one has no mark: nearly any numbers could be its beginning.
_LEFT_ALONE = ("EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG", "SPIDER")
_FREQUENT = ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "PPM")
_WITHOUT_MARK = {"TGA": (".tga", ".icb", ".vda", ".vst")}  # believed only where the name says so too
# What cameras and editors write and Pillow does not read by itself; such files are images all the same.
_OTHER_IMAGES = (".heic", ".heif", ".hif", ".jxl", ".cr2", ".nef", ".arw", ".dng", ".svg", ".eps", ".wmf")
_TWELVE_BITS = 4095  # the largest value of a camera that has so many
_PHOTOMETRIC = 262  # TIFF's tag for what its numbers mean
_DAMAGED = "it is damaged, or of a kind that is not read: save it as PNG or JPEG, or remove it"
_OPENING = threading.Lock()


class ImageError(FerlabError):
    """An image file that cannot be read.

    Attributes:
        what: what is wrong, such as ``"cannot be decoded"``; it follows the file's name in a sentence.
    """

    def __init__(self, name: str, what: str, mend: str) -> None:
        super().__init__(f"{name} {what}; {mend}.")
        self.what = what


class NoImage(ImageError):
    """A file that is no image, or a damaged one."""


def read_image(source: str | Path | bytes, *, megapixels: float = MEGAPIXELS, upright: bool = True) -> Image.Image:
    """An image file, or its content, as a picture of 8 bits a channel, red, green and blue.

    The file is known by its content, not by its name: whatever Pillow reads, but PostScript.

    - 16 bits a channel are scaled to 8. Floating-point values are scaled when all of them lie in 0..1 and taken as
      they are when all lie in 0..255; integers of 32 bits are taken as they are in 0..255, and as 16 bits where the
      format says so (PGM and PPM). What has another range, or values that are not finite, is refused: what is black
      there and what white cannot be known. So are 16 bits without a value above 4,095: they are 8 to 12 bits saved
      as 16.
    - CMYK, palettes, gray and L*a*b* become red, green and blue; what is transparent is laid on white.
    - The picture is turned upright as its EXIF says, and of an animation or several pages it is the first.

    Args:
        source: path, or the content of a file.
        megapixels: of the largest image that is read.
        upright: whether to turn it as its camera was held.

    Raises:
        NoImage: no image, or a damaged one.
        ImageError: no regular file, too large, or of an unknown range.
        FileNotFoundError, PermissionError, ...: the file cannot be opened.

    Example:
        >>> buffer = io.BytesIO()
        >>> from PIL import Image
        >>> Image.new("RGBA", (8, 4), (255, 0, 0, 0)).save(buffer, "PNG")
        >>> picture = read_image(buffer.getvalue())
        >>> picture.size, picture.mode, picture.getpixel((0, 0))
        ((8, 4), 'RGB', (255, 255, 255))
    """
    megapixels = check_cap(megapixels, "megapixels")
    name = "The file" if isinstance(source, bytes) else f"The image {source}"
    path = Path() if isinstance(source, bytes) else Path(source).expanduser()
    content = source if isinstance(source, bytes) else _content(path, name, megapixels)
    try:
        with _opened(io.BytesIO(content), path.suffix) as image:
            _check_size(name, image.size, megapixels)
            image.load()
            if upright:
                _turn(image)
            return _in_eight_bits(name, image)
    except ImageError:
        raise
    except Exception as error:  # decoders raise whatever they please on damaged bytes
        raise NoImage(
            name,
            "cannot be decoded",
            "it is damaged, or of a kind that is not read: save it as PNG or JPEG, or remove it",
        ) from error


def is_image_name(path: Path) -> bool:
    """Whether a file is meant as an image, by the end of its name.

    >>> is_image_name(Path("a.JFIF")), is_image_name(Path("a.heic")), is_image_name(Path("a.txt"))
    (True, True, False)
    """
    return path.suffix.lower() in known_suffixes() or path.suffix.lower() in _OTHER_IMAGES


@lru_cache(maxsize=1)
def known_suffixes() -> frozenset[str]:
    """The ends of names of what can be read, such as ``".png"``."""
    from PIL import Image

    formats = _formats()
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in formats)


def looks_like_image(path: Path) -> bool:
    """Whether the content of a file begins like an image, whatever its name is.

    >>> looks_like_image(Path(__file__))
    False
    """
    try:
        with regular_file(path) as content, _opened(content, path.suffix):
            return True
    except Exception:  # as above
        return False


@lru_cache(maxsize=1)
def _formats() -> tuple[str, ...]:
    """Pillow's names of what is read, in the order in which they are tried: frequent ones first."""
    from PIL import Image

    Image.init()
    return tuple(
        kind for kind in dict.fromkeys([*_FREQUENT, *Image.ID]) if kind in Image.ID and kind not in _LEFT_ALONE
    )


@lru_cache(maxsize=64)
def _formats_of(suffix: str) -> tuple[str, ...]:
    """Those that a file whose name ends so may have."""
    return tuple(kind for kind in _formats() if suffix in _WITHOUT_MARK.get(kind, (suffix,)))


def _opened(content: IO[bytes], suffix: str) -> Image.Image:
    """The image with its header read. Pillow's own limit is put aside for that moment: ours names the file."""
    from PIL import Image

    formats = _formats_of(suffix.lower())
    with _OPENING:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(content, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _content(path: Path, name: str, megapixels: float) -> bytes:
    most = int(megapixels * 1e6 * _BYTES_A_PIXEL)
    try:
        with regular_file(path) as file:
            if (size := os.fstat(file.fileno()).st_size) > most:
                raise ImageError(
                    name,
                    f"has {size / 1e6:,.0f} megabytes, more than an image of {megapixels:g} megapixels can have",
                    "replace it, or raise the limit (--megapixels, in Python megapixels=)",
                )
            return file.read(most + 1)
    except FerlabError as error:  # no regular file
        raise error if isinstance(error, ImageError) else ImageError(name, str(error), "remove it") from error


def _check_size(name: str, size: tuple[int, int], megapixels: float) -> None:
    if size[0] * size[1] > megapixels * 1e6:
        raise ImageError(
            name,
            f"has {size[0]:,} x {size[1]:,} pixels, more than the {megapixels:g} megapixels that ferlab reads",
            "scale it down, or raise the limit (--megapixels, in Python megapixels=)",
        )


def _turn(image: Image.Image) -> None:
    from PIL import ImageOps

    # Damaged EXIF data say nothing about the pixels, and raise whatever they please.
    with contextlib.suppress(Exception):
        ImageOps.exif_transpose(image, in_place=True)


def _in_eight_bits(name: str, image: Image.Image) -> Image.Image:
    """RGB, from whatever mode."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _scaled(name, image).convert("RGB")
    if image.has_transparency_data:
        return _on_white(image)
    if image.mode == "LAB":
        return _of_lab(image)
    # A copy even where nothing changes: the file is closed, and what EXIF said is done.
    return image.copy() if image.mode == "RGB" else image.convert("RGB")


def _scaled(name: str, image: Image.Image) -> Image.Image:
    """One channel of more than 8 bits as gray."""
    from PIL import Image

    values = np.asarray(image)
    scaled: np.ndarray
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        if 0 < high <= _TWELVE_BITS:  # even twelve would be black: 16 of 255
            raise ImageError(
                name,
                f"has 16 bits and no value above {high:,.0f}: {'8' if high <= 255 else '9 to 12'} bits saved as 16",
                "save it with 8 bits, or spread its values over all 16",
            )
        scaled = values.astype(np.float32) / 257
    elif low >= 0 and high <= 1 and image.mode == "F":
        scaled = values.astype(np.float32) * 255
    elif low >= 0 and high <= 255:
        scaled = values.astype(np.float32)
    else:  # NaN ends here too
        kind = "floating-point numbers" if image.mode == "F" else "integers of 32 bits"
        what = f"from {low:g} to {high:g}" if np.isfinite([low, high]).all() else "that are not finite"
        raise ImageError(
            name, f"holds {kind} {what}, of which ferlab cannot know what is white", "save it with 8 or 16 bits"
        )
    gray = np.rint(scaled).astype(np.uint8)
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == 0:  # white is zero; Pillow turns 8 bits only
        gray = 255 - gray
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        gray[values == clear] = 255
    return Image.fromarray(gray)


def _on_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    straight = image.convert({"RGBa": "RGBA", "La": "LA"}.get(image.mode, image.mode)).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, straight).convert("RGB")


def _of_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
