"""Pictures of a face: for the networks, in their size and colors, and a larger one for people."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from numbers import Integral
from typing import NamedTuple

import numpy as np
from PIL import Image

from ferlab.errors import FerlabError
from ferlab.images import data_uri
from ferlab.rendering import Identity, Light, Pose, Scene, random_identity, render

PICTURE_SIDE = (
    256  # pixels of the picture for people: one sample each, which the page shrinks a little and thereby smooths
)
BLUR, NOISE = 0.22, 0.006  # of the camera, the means of the built-in faces


class Portrait(NamedTuple):
    """One face twice.

    Attributes:
        image: uint8 (size, size, C), as the networks see it.
        picture: uint8 (PICTURE_SIDE, PICTURE_SIDE, 3), for people.
    """

    image: np.ndarray
    picture: np.ndarray

    def uris(self) -> dict[str, str]:
        """Both as a page shows them."""
        return {"seen": data_uri(self.image), "face": data_uri(self.picture)}


@lru_cache(maxsize=32)
def imaginary_person(seed: int) -> Identity:
    """The person with that number."""
    return random_identity(np.random.default_rng(seed))


def check_identity(who: int | Identity) -> int | Identity:
    """The same; a FerlabError for what is neither a person's number nor an identity that can be rendered."""
    if isinstance(who, Identity):
        render(who, size=16)  # says what is wrong with it
        return who
    if isinstance(who, bool) or not isinstance(who, Integral) or not 0 <= who < 2**31:
        raise FerlabError(f"The identity is {who!r}: give a whole number from 0 on, or a ferlab.rendering.Identity.")
    return int(who)


def rendered(
    who: Identity,
    units: Mapping[str, float],
    *,
    pose: Mapping[str, float],
    light: Mapping[str, float],
    size: int,
    channels: int,
) -> Portrait:
    """The portrait of a rendered face.

    Args:
        who: the person.
        units: intensity of action units.
        pose: degrees of "yaw", "pitch" and "roll".
        light: fields of :class:`ferlab.rendering.Light`.
        size, channels: of the image for the networks.
    """
    # As in the built-in faces on average: the eyes lead back to the camera.
    turned = Pose(**pose, gaze_x=-0.65 * pose["yaw"], gaze_y=-0.6 * pose["pitch"], shift_x=-0.0012 * pose["yaw"])
    lit = Light(**light)
    scene = Scene(background=who.seed, blur=BLUR, noise=NOISE)
    image = render(who, units, turned, lit, size, scene=scene)
    picture = render(who, units, turned, lit, PICTURE_SIDE, scene=Scene(background=who.seed), supersample=1)
    return Portrait(_in_channels(image, channels), picture)


def photographed(photo: np.ndarray, *, size: int, channels: int) -> Portrait:
    """The portrait of a face cut out of a photo, uint8 (side, side, 3)."""
    return Portrait(_in_channels(_resized(photo, size), channels), _resized(photo, PICTURE_SIDE))


def _in_channels(image: np.ndarray, channels: int) -> np.ndarray:
    return image if channels == 3 else np.array(Image.fromarray(image).convert("L"))[..., None]


def _resized(image: np.ndarray, size: int) -> np.ndarray:
    return np.array(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS))
