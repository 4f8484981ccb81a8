"""Hair, hats and headscarves: a shell over the scalp, a curtain of long hair, and where the hairline runs.

The shell is the scalp's own triangles pushed outwards, so it fits every head. Its edge is decided pixel by pixel from
the distance to the hairline with strand noise, not by the mesh, which keeps it soft and free of triangles.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from ferlab.rendering.rig import SKIN, load_rig

AXIS_Z = -0.070  # depth of the vertical axis that azimuths are measured about (template)
LINE_ANGLES = np.array([0.0, 0.30, 0.55, 0.75, 0.92, 1.05, 1.18, 1.28, 1.42, 1.75, 1.95, 2.15, 2.5, 3.15])
LINE_HEIGHTS = np.array(
    [0.074, 0.074, 0.071, 0.062, 0.044, 0.018, -0.006, -0.010, 0.030, 0.040, 0.000, -0.045, -0.080, -0.088]
)


@dataclass(frozen=True)
class HairStyle:
    """The shape of hair, a hat or a headscarf.

    Attributes:
        top, side, back: thickness in mm.
        front: factor of the thickness above the forehead.
        curtain: mm that hanging hair reaches below the eyes; 0 for none.
        opening: azimuth in radians from which the curtain hangs, to the back.
        fringe: mm that the hairline comes down over the forehead.
        wave: amplitude of the locks in mm.
        part: 0..1, how much more volume there is on one side of a parting.
        bun: its radius in mm; 0 for none.
        bald_crown: hair on the sides alone.
        cover: ``"hair"``, ``"knit"`` or ``"cloth"``.
    """

    top: float = 0.0
    side: float = 0.0
    back: float = 0.0
    front: float = 1.0
    curtain: float = 0.0
    opening: float = 1.15
    fringe: float = 0.0
    wave: float = 0.0
    part: float = 0.0
    bun: float = 0.0
    bald_crown: bool = False
    cover: str = "hair"


STYLES: dict[str, HairStyle | None] = {
    "bald": None,
    "horseshoe": HairStyle(top=3, side=5, back=6, bald_crown=True),
    "buzz": HairStyle(top=2.5, side=1.5, back=2),
    "short": HairStyle(top=13, side=5, back=7, wave=1.5),
    "side part": HairStyle(top=18, side=7, back=9, wave=1.5, part=1.0),
    "quiff": HairStyle(top=24, side=4, back=7, front=1.5, wave=2.5),
    "curly": HairStyle(top=24, side=14, back=16, wave=6),
    "afro": HairStyle(top=42, side=34, back=36, wave=4),
    "bob": HairStyle(top=15, side=12, back=14, curtain=95, opening=1.02, part=0.6),
    "fringe bob": HairStyle(top=15, side=12, back=14, curtain=100, opening=1.0, fringe=34),
    "long": HairStyle(top=14, side=11, back=14, curtain=210, opening=1.05, part=0.8, wave=2),
    "tied back": HairStyle(top=7, side=4, back=8, part=0.4),
    "bun": HairStyle(top=8, side=5, back=9, bun=30),
    "beanie": HairStyle(top=13, side=8, back=10, cover="knit"),
    "headscarf": HairStyle(top=10, side=8, back=12, curtain=230, opening=0.93, cover="cloth"),
}


@dataclass(frozen=True)
class HairMesh:
    """Geometry of a style at the template, prepared once. V vertices of the rig, E extra ones, T and X triangles.

    Attributes:
        shell_triangles: int32 (T, 3), the skin that hair grows on.
        thickness: float32 (V,), metres.
        extra_points: float32 (E, 3), metres, of the curtain or the bun.
        extra_parameters: float32 (E, 3), where on it a vertex lies: radians behind the front edge, metres above the
            lower one, azimuth in radians.
        extra_triangles: int32 (X, 3).
        extra_kind: int32 (X,), 1 curtain, 2 bun.
    """

    shell_triangles: np.ndarray
    thickness: np.ndarray
    extra_points: np.ndarray
    extra_parameters: np.ndarray
    extra_triangles: np.ndarray
    extra_kind: np.ndarray


def hairline(style_name: str, lift: float) -> np.ndarray:
    """Where hair begins, around the head.

    Args:
        style_name: a key of STYLES.
        lift: -1 low forehead .. 1 receding temples.

    Returns:
        Heights in the template at 64 azimuths from front (0) to back (pi), float32 (64,), metres.
    """
    angles = np.linspace(0, np.pi, 64)
    heights = np.interp(angles, LINE_ANGLES, LINE_HEIGHTS)
    kernel = np.array([1, 2, 3, 2, 1]) / 9.0
    heights = np.convolve(np.pad(heights, 2, mode="edge"), kernel, mode="valid")
    style = STYLES[style_name]
    heights = (
        heights + 0.005 * lift * (angles < 1.2) + 0.010 * max(lift, 0.0) * np.exp(-(((angles - 0.55) / 0.25) ** 2))
    )
    if style is not None and style.fringe:
        heights = heights - 1e-3 * style.fringe * np.clip((0.95 - angles) / 0.25, 0, 1)
    if style is not None and style.cover == "knit":
        heights = np.interp(angles, [0, 0.6, 1.2, 1.8, 3.15], [0.050, 0.049, 0.046, 0.046, -0.02])
    if style is not None and style.cover == "cloth":
        heights = np.interp(angles, [0, 0.5, 0.8, 0.95, 1.05, 3.15], [0.068, 0.060, 0.038, 0.0, -0.2, -0.3])
    return heights.astype(np.float32)


def _curtain(style: HairStyle) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (E, 3) in metres, their parameters (E, 3) and triangles (X, 3) of hanging hair or a scarf."""
    columns, rows = 41, 12
    bottom = -1e-3 * style.curtain
    heights = np.concatenate([[0.092, 0.075], np.linspace(0.055, bottom, rows - 2)])
    thick = 1e-3 * style.side
    points, parameters = [], []
    for y in heights:
        down = max(0.0, 0.055 - y) / 0.25
        widen = np.clip((0.055 - y) / 0.05, 0, 1)
        narrow = 0.55 * max(0.0, y - 0.055)  # the skull's top
        half_width = 0.0785 + thick * (0.6 + 0.6 * widen) + 0.008 * widen - 0.012 * max(0.0, down - 0.45) - narrow
        half_depth = 0.098 + 1e-3 * style.back - narrow
        # hanging hair starts further forward at the temples, where it leaves the shell
        opening = style.opening - 0.22 * float(np.clip((y - 0.005) / 0.045, 0, 1)) * (style.cover == "hair")
        if style.cover == "cloth":  # a scarf closes under the chin
            closing = np.clip((-0.060 - y) / 0.075, 0, 1)
            opening = style.opening * (1 - 0.96 * closing**1.3)
            half_width -= 0.020 * closing
            half_depth -= 0.012 * closing
        for angle in np.linspace(opening, 2 * np.pi - opening, columns):
            sway = 1e-3 * style.wave * 1.5 * np.sin(9 * angle + 40 * y)
            # the front edge swings towards the cheek lower down
            points.append((np.sin(angle) * (half_width + sway), y, AXIS_Z + np.cos(angle) * half_depth * 0.95))
            parameters.append((min(angle, 2 * np.pi - angle) - opening, y - bottom, angle))
    triangles = []
    for r in range(rows - 1):
        for c in range(columns - 1):
            a, b, d, e = (
                r * columns + c,
                r * columns + c + 1,
                (r + 1) * columns + c,
                (r + 1) * columns + c + 1,
            )
            triangles += [(a, d, b), (b, d, e)]
    return np.array(points), np.array(parameters), np.array(triangles)


def _ball(center: tuple[float, float, float], radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same of a bun."""
    columns, rows = 17, 9
    points, parameters, triangles = [], [], []
    for r in range(rows):
        polar = np.pi * r / (rows - 1)
        for c in range(columns):
            angle = 2 * np.pi * c / (columns - 1)
            points.append(
                (
                    center[0] + radius * np.sin(polar) * np.sin(angle),
                    center[1] + radius * 0.85 * np.cos(polar),
                    center[2] + radius * np.sin(polar) * np.cos(angle),
                )
            )
            parameters.append((1.0, 1.0, angle))
    for r in range(rows - 1):
        for c in range(columns - 1):
            a, b, d, e = (
                r * columns + c,
                r * columns + c + 1,
                (r + 1) * columns + c,
                (r + 1) * columns + c + 1,
            )
            triangles += [(a, d, b), (b, d, e)]
    return np.array(points), np.array(parameters), np.array(triangles)


@cache
def hair_mesh(style_name: str) -> HairMesh | None:
    """Geometry of a style at the template; None for a bald head."""
    style = STYLES[style_name]
    if style is None:
        return None
    rig = load_rig()
    template = rig.template
    angle = np.abs(np.arctan2(template[:, 0], template[:, 2] - AXIS_Z))
    line = np.interp(angle, np.linspace(0, np.pi, 64), hairline(style_name, 0.0))
    above = template[:, 1] - line
    near = (
        (above > -0.020) & (rig.ear < (0.6 if style.cover == "knit" else 0.32)) & ~rig.cavity & (template[:, 1] > -0.14)
    )
    triangles = rig.triangles[(rig.material == SKIN)]
    triangles = triangles[near[triangles].all(axis=1)]
    height = np.clip((template[:, 1] - 0.03) / 0.06, 0, 1)
    behind = np.clip((-template[:, 2] - 0.06) / 0.08, 0, 1)
    forward = np.clip((template[:, 2] + 0.02) / 0.04, 0, 1) * height
    thickness = style.top * height + (1 - height) * (style.side + (style.back - style.side) * behind)
    thickness *= 1 + (style.front - 1) * forward
    if style.part:  # more volume on one side of the parting
        thickness *= 1 + 0.35 * style.part * np.tanh((template[:, 0] - 0.025) / 0.012) * height
    if style.wave:
        thickness += (
            style.wave
            * (
                np.sin(210 * template[:, 0] + 2) * np.sin(170 * template[:, 1])
                + 0.7 * np.sin(260 * template[:, 2] + 90 * template[:, 0])
            )
            * 0.6
        )
    thickness = np.maximum(thickness, 0.8)
    # the edge lies on the skin and rises no steeper than the hair is thick
    ramp = {"hair": np.maximum(0.014, 0.7e-3 * thickness), "knit": 0.004, "cloth": 0.008}[style.cover]
    thickness = thickness * np.clip((above + (0.0005 if style.cover == "hair" else 0.003)) / ramp, 0.03, 1) ** 0.8
    # thin towards the ears, where the shell ends
    if style.cover != "knit":
        thickness *= np.clip(1.0 - rig.ear / 0.30, 0.05, 1.0)
    points, parameters = np.zeros((0, 3)), np.zeros((0, 3))
    extra_triangles, kinds = np.zeros((0, 3), int), np.zeros(0, int)
    if style.curtain:
        points, parameters, extra_triangles = _curtain(style)
        kinds = np.ones(len(extra_triangles), int)
    if style.bun:
        points, parameters, extra_triangles = _ball((0.0, 0.118, -0.105), 1e-3 * style.bun)
        kinds = np.full(len(extra_triangles), 2)
    return HairMesh(
        triangles.astype(np.int32),
        (1e-3 * thickness).astype(np.float32),
        points.astype(np.float32),
        parameters.astype(np.float32),
        extra_triangles.astype(np.int32),
        kinds.astype(np.int32),
    )
