"""From (identity, action units, pose, light) to an image."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ferlab.errors import FerlabError
from ferlab.rendering.expressions import sided
from ferlab.rendering.hair import STYLES
from ferlab.rendering.head import head_mesh
from ferlab.rendering.identity import Identity
from ferlab.rendering.light import Light
from ferlab.rendering.paint import face_lamp, face_paint
from ferlab.rendering.passes import (
    average_samples,
    cast_shadows,
    develop,
    head_view,
    occlude,
    paint_background,
    paint_hair,
    paint_head,
    rasterize_head,
    worn_hair,
)
from ferlab.rendering.pose import Pose
from ferlab.rendering.scene import Scene

MIN_SIZE, MAX_SIZE = 16, 1024


def check_request(identity: Identity, size: int) -> None:
    """Refuse what cannot be drawn.

    Args:
        identity: who.
        size: height and width of the picture in pixels.

    Raises:
        FerlabError: an unknown hair style, or a size out of 16..1024.
    """
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise FerlabError(f"The picture size is {size}: choose a number of pixels between {MIN_SIZE} and {MAX_SIZE}.")
    if identity.hair_style not in STYLES:
        raise FerlabError(f"Unknown hair style {identity.hair_style!r}: choose among {', '.join(STYLES)}.")


def render(
    identity: Identity,
    action_units: Mapping[str, float] | None = None,
    pose: Pose | None = None,
    light: Light | None = None,
    size: int = 64,
    *,
    asymmetry: Mapping[str, float] | float = 0.0,
    scene: Scene | None = None,
    supersample: int | None = None,
) -> np.ndarray:
    """Draw a face. The same arguments give the same pixels.

    Args:
        identity: who.
        action_units: intensity 0..1 of each unit, such as ``{"AU6": 0.7, "AU12": 1.0}``; none is the neutral face.
        pose: of head, eyes and crop; None for a face straight ahead.
        light: None for the default one.
        size: height and width of the picture, 16..1024 pixels.
        asymmetry: -1..1, positive weakens the person's right side (of all units, or of each by name).
        scene: what is around the face; None for the first background and a perfect camera.
        supersample: samples an edge of a pixel; None for 3 below 100 pixels, else 2.

    Returns:
        sRGB, uint8 (size, size, 3).

    Raises:
        FerlabError: an unknown action unit, hair style or occluder, or a size out of range.

    Example:
        >>> surprised = {"AU1": 0.8, "AU2": 0.8, "AU5": 1.0, "AU26": 0.9}
        >>> render(Identity(), surprised, Pose(yaw=15), size=64).shape
        (64, 64, 3)
    """
    check_request(identity, size)
    pose, light, scene = pose or Pose(), light or Light(), scene or Scene()
    sides = sided(action_units or {}, asymmetry)
    factor = supersample or (3 if size < 100 else 2)
    view = head_view(identity, pose, size * factor)
    paint, lamp = face_paint(identity, sides, pose), face_lamp(light, identity)

    head = head_mesh(identity, sides, pose.rotation())
    hair = worn_hair(identity, head, pose.rotation())
    shadows = cast_shadows(light, head, hair)
    samples = rasterize_head(head, view, sides, size)

    face = paint_head(identity, sides, head, samples, view, shadows, paint, lamp)
    canvas = np.where(samples.index[..., None] >= 0, face, paint_background(scene, light, size, factor))
    if hair is not None:
        color, alpha = paint_hair(identity, hair, samples.depth, view, shadows, paint, lamp)
        canvas += alpha[..., None] * (color - canvas)
    picture = average_samples(canvas, factor)
    occlude(picture, scene)
    return develop(picture, scene)
