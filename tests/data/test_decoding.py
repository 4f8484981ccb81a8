"""One function decodes every image: of any format and depth the same pixels, or a sentence about what is wrong."""

from __future__ import annotations

import ast
import io
import os
import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, features

import ferlab
from ferlab.apply.embed import read_face
from ferlab.data.decoding import ImageError, NoImage, is_image_name, looks_like_image, read_image
from ferlab.data.image_files import decode
from ferlab.data.photos import read_photo
from ferlab.errors import FerlabError

RAMP = np.tile(np.arange(256, dtype=np.uint8), (16, 1))  # every gray there is
COLORS = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)


def file_of(pixels: np.ndarray | Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    (pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)).save(buffer, kind, **options)
    return buffer.getvalue()


def pgm(most: int) -> bytes:
    return b"P5 256 16 %d\n" % most + np.rint(RAMP / 255 * most).astype(">u2").tobytes()


def white_is_zero() -> bytes:
    return file_of(65535 - RAMP.astype(np.uint16) * 257, "TIFF", tiffinfo={262: 0})


GRAYS = {
    "8 bits": file_of(RAMP, "PNG"),
    "16 bits, png": file_of(RAMP.astype(np.uint16) * 257, "PNG"),
    "16 bits, tiff": file_of(RAMP.astype(np.uint16) * 257, "TIFF"),
    "16 bits, other end first": file_of(RAMP.astype(">u2") * 257, "TIFF"),
    "16 bits, jp2": file_of(RAMP.astype(np.uint16) * 257, "JPEG2000"),
    "16 bits, pgm": pgm(65535),
    "10 bits, pgm": pgm(1023),
    "16 bits, white is zero": white_is_zero(),
    "float of 0 to 1": file_of((RAMP / 255).astype(np.float32), "TIFF"),
    "float of 0 to 1, pfm": file_of((RAMP / 255).astype(np.float32), "PPM"),
    "float of 0 to 255": file_of(RAMP.astype(np.float32), "TIFF"),
    "32 bits of 0 to 255": file_of(RAMP.astype(np.int32), "TIFF"),
    "CMYK": file_of(Image.fromarray(RAMP).convert("RGB").convert("CMYK"), "TIFF"),
    "CMYK, jpeg": file_of(Image.fromarray(RAMP).convert("RGB").convert("CMYK"), "JPEG", quality=100),
    "palette": file_of(RAMP, "GIF"),
    "alpha": file_of(Image.fromarray(RAMP).convert("LA"), "PNG"),
    "bmp": file_of(RAMP, "BMP"),
}


@pytest.mark.parametrize("kind", GRAYS)
def test_a_ramp_is_the_same_ramp_in_every_depth(kind):
    read = np.asarray(read_image(GRAYS[kind])).astype(int)
    assert read.shape == (16, 256, 3)
    assert np.abs(read - RAMP[..., None]).max() <= 1


@pytest.mark.parametrize("kind", ["16 bits, png", "16 bits, tiff", "float of 0 to 1", "CMYK", "palette", "alpha"])
def test_readers_embed_and_photos_see_the_same(kind, tmp_path):
    square = GRAYS[kind]
    (tmp_path / "face").write_bytes(square)
    middle = RAMP[:, 120:136]
    for seen in (decode([tmp_path / "face"], 16)[0], read_face(tmp_path / "face", 16, 3)):
        assert np.abs(seen.astype(int) - middle[..., None]).max() <= 1
    assert np.abs(read_face(tmp_path / "face", 16, 1).astype(int)[..., 0] - middle).max() <= 1
    for source in (square, tmp_path / "face"):
        assert np.abs(read_photo(source).astype(int) - RAMP[..., None]).max() <= 1


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("RGB", "TIFF"), ("RGBA", "WEBP"), ("RGBX", "TIFF"), ("HSV", "WEBP")]
)
def test_colors_stay(mode, kind):
    content = file_of(Image.fromarray(COLORS).convert(mode), kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert np.abs(np.asarray(read_image(content)).astype(int) - COLORS).max() <= (8 if mode == "HSV" else 0)


def test_lab_becomes_red_green_and_blue():
    flat = Image.new("RGB", (8, 8), (200, 120, 60))
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    content = file_of(ImageCms.profileToProfile(flat, *profiles, outputMode="LAB"), "TIFF")
    assert np.abs(np.asarray(read_image(content)).astype(int) - (200, 120, 60)).max() <= 3


def test_what_is_transparent_lies_on_white():
    see_through = np.zeros((4, 4, 4), dtype=np.uint8)
    see_through[:, 2:] = (0, 0, 0, 128)
    for content in (file_of(see_through, "PNG"), file_of(see_through, "TIFF")):
        assert np.asarray(read_image(content))[0, :, 0].tolist() == [255, 255, 127, 127]
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    for kind in ("PNG", "GIF"):
        assert (np.asarray(read_image(file_of(palette, kind, transparency=1))) == 255).all()
    key = file_of(Image.new("L", (4, 4), 7), "PNG", transparency=7)
    assert (np.asarray(read_image(key)) == 255).all(), "one gray of a gray PNG"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize(("turn", "by"), [(3, 2), (6, 1), (8, 3)])
def test_a_picture_is_turned_as_its_exif_says(kind, turn, by):
    upright = np.zeros((16, 16, 3), dtype=np.uint8)
    upright[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = turn
    stored = file_of(np.ascontiguousarray(np.rot90(upright, by)), kind, exif=exif)
    assert np.abs(np.asarray(read_image(stored)).astype(int) - upright).max() < 40
    if kind != "TIFF":  # Pillow turns these by itself
        assert np.abs(np.asarray(read_image(stored, upright=False)).astype(int) - upright).max() > 200


def test_sixteen_bits_are_turned_too_and_damaged_exif_is_no_harm():
    exif = Image.Exif()
    exif[0x0112] = 3
    deep = file_of(RAMP.astype(np.uint16) * 257, "PNG", exif=exif)
    assert np.abs(np.asarray(read_image(deep)).astype(int)[..., 0] - RAMP[::-1, ::-1]).max() <= 1
    damaged = file_of(RAMP, "PNG", exif=b"Exif\0\0XX\0\0junk")
    assert np.array_equal(np.asarray(read_image(damaged))[..., 0], RAMP)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_picture(kind):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "lime", "blue")]
    content = file_of(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(np.asarray(read_image(content)).astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (file_of(RAMP.astype(np.float32) - 9, "TIFF"), "holds floating-point numbers from -9 to 246, of which ferlab"),
        (file_of(RAMP.astype(np.float32) * 2, "TIFF"), "floating-point numbers from 0 to 510"),
        (file_of(np.full((4, 4), np.nan, np.float32), "TIFF"), "floating-point numbers that are not finite"),
        (file_of(np.float32([[0, np.inf]]), "TIFF"), "floating-point numbers that are not finite"),
        (file_of(RAMP.astype(np.int32) * 257, "TIFF"), "integers of 32 bits from 0 to 65535"),
        (file_of(RAMP.astype(np.int32) - 1, "TIFF"), "integers of 32 bits from -1 to 254"),
        (
            file_of(RAMP.astype(np.uint16), "PNG"),
            "has 16 bits and no value above 255: 8 bits saved as 16; save it with",
        ),
        (file_of(RAMP.astype(np.uint16) * 4, "PNG"), "has 16 bits and no value above 1,020: 9 to 12 bits saved as 16"),
        (file_of(RAMP.astype(np.uint16) * 16, "TIFF"), "has 16 bits and no value above 4,080: 9 to 12 bits saved as"),
    ],
)
def test_an_unknown_range_is_refused_by_name(content, sentence, tmp_path):
    (tmp_path / "deep.tif").write_bytes(content)
    for read in (read_image, read_photo, lambda path: decode([path], 8), lambda path: read_face(path, 8, 3)):
        with pytest.raises(ImageError) as caught:
            read(tmp_path / "deep.tif")
        assert str(caught.value).startswith(f"The image {tmp_path / 'deep.tif'} ") and sentence in str(caught.value)
        assert not isinstance(caught.value, NoImage)


def huge_png(wide: int, high: int) -> bytes:
    """A PNG that says to be that large, in a hundred bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", wide, high, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [9_000, 13_000, 60_000])
@pytest.mark.filterwarnings("error")  # Pillow's own
def test_a_picture_beyond_the_limit_says_so(side, tmp_path):
    (tmp_path / "a.png").write_bytes(huge_png(side, side))
    for read in (read_image, read_photo, lambda path: decode([path], 8), lambda path: read_face(path, 8, 3)):
        with pytest.raises(
            ImageError, match=rf"has {side:,} x {side:,} pixels, more than the 64 megapixels .*--megapix"
        ):
            read(tmp_path / "a.png")
    assert Image.MAX_IMAGE_PIXELS == 89_478_485, "of others' pictures Pillow's own limit holds"


def test_the_limit_can_be_lowered_and_raised():
    content = file_of(np.zeros((20, 20), np.uint8), "PNG")
    with pytest.raises(ImageError, match=r"20 x 20 pixels, more than the 0\.0001 megapixels"):
        read_image(content, megapixels=0.0001)
    assert read_image(content, megapixels=0.0004).size == (20, 20)


def test_a_file_that_is_too_long_is_not_read(tmp_path):
    with (tmp_path / "sparse.png").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(ImageError, match=r"has 1,000,000 megabytes, more than an image of 64 megapixels can have"):
        read_image(tmp_path / "sparse.png")


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"hello" * 99, GRAYS["8 bits"][:60], b"%!PS-Adobe-3.0 EPSF-3.0\n"])
def test_what_is_no_image_or_damaged(content, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(NoImage, match=r"a\.png cannot be decoded; it is damaged, or of a kind"):
        read_image(tmp_path / "a.png")


def test_a_pipe_does_not_make_anybody_wait(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    done = []

    def look() -> None:
        for read in (read_image, lambda path: decode([path], 8)):
            with pytest.raises(FerlabError, match="is no regular file"):
                read(tmp_path / "a.png")
        done.append(looks_like_image(tmp_path / "a.png"))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(timeout=20)
    assert done == [False]


@pytest.mark.parametrize("name", ["a.jfif", "b.jpe", "c.gif", "d.ppm", "e.pgm", "f.avif", "g.jp2", "h.heic", "i.JPG"])
def test_names_that_are_meant_as_images(name):
    assert is_image_name(Path(name))


def test_images_are_known_by_their_content(tmp_path):
    kinds = [
        "PNG",
        "JPEG",
        "GIF",
        "PPM",
        "JPEG2000",
        "WEBP",
        "BMP",
        "TIFF",
        *(["AVIF"] if features.check("avif") else []),
    ]
    for kind in kinds:
        (tmp_path / "without_suffix").write_bytes(file_of(COLORS, kind))
        assert looks_like_image(tmp_path / "without_suffix"), kind
    for content in (
        b"",
        b"text\n" * 99,
        b"\x93NUMPY\x01\0",
        bytes(range(256)) * 9,
        b"\0" * 4096,
        b"%!PS-Adobe-3.0 EPSF\n",
    ):
        (tmp_path / "other").write_bytes(content)
        assert not looks_like_image(tmp_path / "other"), content[:9]


def test_a_format_without_a_mark_is_believed_by_its_name_only(tmp_path):
    for name in ("a.TGA", "a.png", "a"):
        (tmp_path / name).write_bytes(file_of(RAMP, "TGA"))
    assert np.array_equal(np.asarray(read_image(tmp_path / "a.TGA"))[..., 0], RAMP)
    for name in ("a.png", "a"):
        assert not looks_like_image(tmp_path / name)
        with pytest.raises(NoImage):
            read_image(tmp_path / name)


def test_nothing_else_in_the_package_opens_images():
    """A second way to decode would have its own idea of depths."""
    package = Path(ferlab.__file__).parent
    for path in package.rglob("*.py"):
        calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        opening = [call for call in calls if ast.unparse(call.func) in ("Image.open", "cv2.imread", "plt.imread")]
        assert not opening or path.name == "decoding.py", path
