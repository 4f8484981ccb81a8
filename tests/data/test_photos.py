"""The face in a photo: found, cut out as the built-in faces are, or a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ferlab.data.photos import LONGEST_SIDE, crop_face, find_faces, read_photo
from ferlab.errors import FerlabError
from ferlab.rendering import Light, Pose, Scene, random_identity, render


def face(seed: int, size: int, **how) -> np.ndarray:
    return render(random_identity(np.random.default_rng(seed)), {"AU12": 0.6}, size=size, **how)


def canvas(*pasted: tuple[np.ndarray, int, int], size: tuple[int, int] = (640, 420)) -> np.ndarray:
    """Faces on a gray wall."""
    wall = Image.new("RGB", size, (96, 110, 120))
    for image, x, y in pasted:
        wall.paste(Image.fromarray(image), (x, y))
    return np.asarray(wall)


def test_the_crop_is_that_of_the_built_in_faces():
    """Of rendered faces pasted into a picture, most are found, and the crop comes back close to what was pasted."""
    offsets = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        pasted = face(
            seed, 180, pose=Pose(yaw=rng.uniform(-12, 12)), light=Light(azimuth=rng.uniform(-40, 40)), scene=Scene(seed)
        )
        boxes = find_faces(canvas((pasted, 200, 100)))
        if len(boxes):
            x, y, width, _ = boxes[0]
            offsets.append((1.14 * width / 180, (x + width / 2 - 290) / 180, (y + 1.08 * width / 2 - 190) / 180))
    assert len(offsets) >= 10
    scale, right, down = np.median(offsets, axis=0)
    assert 0.9 < scale < 1.1 and abs(right) < 0.05 and abs(down) < 0.05


def test_the_largest_face_counts():
    large, small = face(3, 200), face(8, 110)
    photo = canvas((small, 40, 60), (large, 300, 120))
    boxes = find_faces(photo)
    assert len(boxes) >= 2 and (np.diff(boxes[:, 2]) <= 0).all()
    middles = boxes[:, 0] + boxes[:, 2] / 2
    assert abs(middles[0] - 400) < 30 and abs(middles[1] - 95) < 20
    crop = crop_face(photo, 64)
    assert crop.shape == (64, 64, 3) and crop.dtype == np.uint8
    same = np.asarray(Image.fromarray(large).resize((64, 64)), dtype=int)
    assert np.corrcoef(crop[10:54, 10:54].ravel(), same[10:54, 10:54].ravel())[0, 1] > 0.6


def test_a_face_at_the_edge_is_padded():
    photo = canvas((face(3, 200), -12, -8))
    assert crop_face(photo, 96).shape == (96, 96, 3)


def test_no_face():
    with pytest.raises(FerlabError, match="No face was found: choose a photo with an upright face"):
        crop_face(canvas(), 64)


def test_photos_are_upright_and_not_too_large(tmp_path):
    picture = np.zeros((100, 3000, 3), dtype=np.uint8)
    picture[:, :300] = 255
    image = Image.fromarray(picture)
    exif = image.getexif()
    exif[0x0112] = 6  # the camera was turned: clockwise by 90 degrees to be upright
    image.save(tmp_path / "turned.jpg", exif=exif)
    photo = read_photo(tmp_path / "turned.jpg")
    assert photo.shape[0] == LONGEST_SIDE and photo.shape[2] == 3 and photo.shape[1] < 60
    assert photo[:100].mean() > 200 > 50 > photo[-100:].mean()
    image.convert("LA").save(tmp_path / "gray.png")
    assert read_photo((tmp_path / "gray.png").read_bytes()).shape[2] == 3


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"not an image at all"])
def test_what_is_no_image(content, tmp_path):
    with pytest.raises(FerlabError, match="The file is no image that can be read"):
        read_photo(content)
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(FerlabError, match=r"x\.png is no image"):
        read_photo(tmp_path / "x.png")


def test_what_cannot_be_opened(tmp_path):
    for path in (tmp_path, tmp_path / "none.jpg"):
        with pytest.raises(FerlabError, match="cannot be opened"):
            read_photo(path)
