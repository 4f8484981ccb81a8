"""What is around the face."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scene:
    """What is around the face, and the camera's flaws.

    Attributes:
        background: seed of the blurred scene behind the face.
        blur: of the camera, standard deviation in pixels of a 64-pixel picture.
        noise: of the sensor, standard deviation in sRGB 0..1.
        occluder: ``"none"``, ``"band"`` (something dark and out of focus enters from one side) or ``"dim"`` (a shadow
            over part of the face), placed by the background's seed.
    """

    background: int = 0
    blur: float = 0.0
    noise: float = 0.0
    occluder: str = "none"
