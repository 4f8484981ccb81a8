"""What color everything has: from the person, the expression and the light to the terms of the kernels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from ferlab.rendering.hair import STYLES
from ferlab.rendering.identity import Identity
from ferlab.rendering.light import Light
from ferlab.rendering.pose import Pose
from ferlab.rendering.shading import Lamp, Paint, Triple

FRAME_COLORS = np.array([(0.02, 0.02, 0.022), (0.10, 0.055, 0.03), (0.16, 0.16, 0.17), (0.05, 0.03, 0.06)])
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
# added to everyone's height and arch of the brow: a high arch looks surprised or stern where others do not
BROW_HEIGHT, BROW_ARCH = -0.14, -0.8
# mm that the skin under the brows slides at full intensity: its inner end up, its outer end up, towards the middle
SLIDE = {
    "oblique": (3.2, -5.0, 0.0),  # the inner end alone is raised: AU1 without AU2
    "lowered": (-3.0, -1.0, 0.0),  # AU4 without AU1
    "AU4": (0.0, 0.0, 2.6),
    "AU2": (1.2, 1.2, 0.0),
    "AU9": (-0.7, -0.9, -2.2),
}
# 1 would make all skin equally bright in a picture, 0 leave it to the lamps
SKIN_EXPONENT = 0.62


def linear(color: ArrayLike) -> np.ndarray:
    """Linear RGB, float32 of the same shape, of an sRGB color 0..1."""
    values = np.asarray(color, dtype=np.float64)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4).astype(np.float32)


def triple(values: np.ndarray) -> Triple:
    """A color or vector (3,) as the kernels take it.

    Its numbers stay np.float32: of Python's floats the kernels would calculate in float64 throughout, and pixels would
    change.

    Args:
        values: (3,).
    """
    return tuple(values.astype(np.float32))


def pair(values: np.ndarray) -> tuple[float, float]:
    """The same for two numbers (2,)."""
    left, right = values.astype(np.float32)
    return left, right


def metered(identity: Identity) -> float:
    """Factor of the exposure: a camera exposes for the face, so dark skin gets a little more light, fair skin less."""
    luminance = linear(identity.skin_color()) @ LUMINANCE
    return float(np.clip((0.30 / luminance) ** SKIN_EXPONENT, 0.80, 2.6))


@lru_cache(maxsize=64)
def relaxed_paint(identity: Identity) -> Paint:
    """All that follows from the identity: brows at rest, the gaze ahead."""
    skin = linear(identity.skin_color())
    redness = identity.lip_redness
    lips = skin * np.array([0.93, 0.56 - 0.22 * redness, 0.60 - 0.22 * redness])
    if identity.makeup > 0:
        stick = linear([0.72, 0.16, 0.22]) * (0.55 + 0.45 * float(skin.mean() / 0.45))
        lips = lips + (stick - lips) * 0.6 * identity.makeup
    hair = linear(identity.hair_color)
    style = STYLES[identity.hair_style]
    brow = hair * 0.75 + skin * np.array([0.10, 0.07, 0.05])
    brow = np.minimum(brow, skin * 0.45)
    frame_rng = np.random.default_rng(identity.seed)
    alpha = 0.0
    if style is not None and style.cover == "hair":
        alpha = 0.90 if identity.hair_style != "horseshoe" else 0.75
    glare = min(1.0, metered(identity) ** -0.9)
    still = pair(np.zeros(2))
    return Paint(
        skin=triple(skin),
        lips=triple(lips),
        hair=triple(hair * np.float32(glare**0.7)),
        brow=triple(brow),
        iris=triple(linear(identity.eye_color)),
        cloth=triple(
            linear(identity.cover_color if identity.hair_style == "headscarf" else identity.cloth_color)
            * np.float32(glare)
        ),
        frame=triple(FRAME_COLORS[frame_rng.integers(4)]),
        hair_alpha=alpha,
        bald_crown=float(bool(style and style.bald_crown)),
        brow_thickness=identity.brow_thickness,
        brow_darkness=identity.brow_darkness,
        brow_arch=identity.brow_arch + BROW_ARCH,
        brow_height=identity.brow_height + BROW_HEIGHT,
        mustache=identity.beard_density * (identity.beard == "moustache"),
        goatee=identity.beard_density * (identity.beard == "goatee"),
        beard=identity.beard_density * (identity.beard == "full"),
        stubble=identity.beard_density * (identity.beard == "stubble")
        + 0.35 * identity.beard_density * (identity.beard in ("moustache", "goatee", "full")),
        makeup=identity.makeup,
        freckles=identity.freckles,
        years=max(0.0, (identity.age - 0.66) / 0.34),
        blush=0.25 + 0.75 * max(0.0, 0.6 - identity.skin_tone),
        brow_inner=still,
        brow_outer=still,
        brow_draw=still,
        glare=glare,
        gaze_x=0.0,
        gaze_y=0.0,
        collar=-0.126 if identity.hair_style == "headscarf" else -0.168,
        seed=identity.seed % (1 << 20),
    )


def brow_slide(sides: Mapping[str, tuple[float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far the brows' skin slides over the bone.

    Args:
        sides: (left, right) intensity of each unit, from :func:`ferlab.rendering.expressions.sided`.

    Returns:
        Millimetres, float32 (2,) left and right: of the inner end up, of the outer end up, towards the middle.
    """
    one, two, four, nine = (np.array(sides.get(unit, (0.0, 0.0))) for unit in ("AU1", "AU2", "AU4", "AU9"))
    amounts = {
        "oblique": np.clip(one - two, 0, 1),
        "lowered": four * (1 - 0.7 * one.clip(0, 1)),
        "AU4": four,
        "AU2": two,
        "AU9": nine,
    }
    inner, outer, drawn = (
        np.asarray(np.sum([SLIDE[name][k] * amount for name, amount in amounts.items()], axis=0, dtype=np.float32))
        for k in range(3)
    )
    return inner, outer, drawn


def face_paint(identity: Identity, sides: Mapping[str, tuple[float, float]], pose: Pose) -> Paint:
    """Colors of a person with an expression.

    Args:
        identity: who.
        sides: (left, right) intensity of each unit, from :func:`ferlab.rendering.expressions.sided`.
        pose: where the eyes look.
    """
    down = 0.5 * sum(sides.get("AU64", (0.0, 0.0)))
    gaze_x, gaze_y = np.sin(np.deg2rad([pose.gaze_x, pose.gaze_y - 22.0 * down]))
    inner_up, outer_up, drawn = brow_slide(sides)
    return relaxed_paint(identity)._replace(
        brow_inner=pair(inner_up),
        brow_outer=pair(outer_up),
        brow_draw=pair(drawn),
        gaze_x=float(gaze_x),
        gaze_y=float(gaze_y),
    )


def face_lamp(light: Light, identity: Identity) -> Lamp:
    """The light as it falls on a person, exposed for the face."""
    half = light.direction() + np.array([0.0, 0.0, 1.0])
    half /= np.linalg.norm(half)
    room = np.array([1.0, 1.0, 1.0], np.float32)
    exposure = 2.0**light.exposure * 1.10 * metered(identity)
    key = light.color() * light.key * (1.0 - 0.35 * light.softness) * exposure
    return Lamp(
        direction=triple(light.direction()),
        half=triple(half),
        key=triple(key),
        sky=triple(room * np.array([0.96, 1.0, 1.05]) * light.ambient * exposure),
        ground=triple(room * np.array([1.05, 0.96, 0.86]) * 0.375 * light.ambient * exposure),
        fill=triple(room * light.fill * exposure),
        softness=float(light.softness),
    )
