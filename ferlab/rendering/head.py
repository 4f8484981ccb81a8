"""The head's mesh: what follows from the rig, the expression's shape, glasses, and the turn of the head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ferlab.rendering.expressions import facial_actions
from ferlab.rendering.glasses import frame_mesh
from ferlab.rendering.hair import STYLES
from ferlab.rendering.identity import Identity, neutral_shape
from ferlab.rendering.pose import PIVOT
from ferlab.rendering.raster import vertex_normals
from ferlab.rendering.rig import EYE, LASHES, SKIN, TEETH, TONGUE, load_rig
from ferlab.rendering.shading import FRAME


@dataclass(frozen=True)
class Topology:
    """What follows from the rig alone. V vertices; T triangles, those of the lashes left out.

    Attributes:
        triangles: int32 (T, 3).
        material: int32 (T,).
        cavity: bool (T,), inside of mouth and eye sockets.
        bias: float32 (T,), metres a triangle is pushed back where it would poke through the skin.
        rim: float32 (V,), 1 at the edge of the lids.
        eyes: float32 (2, 3), metres, the eyeballs' centers in the template, left and right.
        chin: the vertex at the chin's tip.
        ear_top: (2,), the vertices where glasses rest.
        nose_root: (1,), the vertex between the eyes.
        skull: bool (V,), skin above the eyes without the ears.
    """

    triangles: np.ndarray
    material: np.ndarray
    cavity: np.ndarray
    bias: np.ndarray
    rim: np.ndarray
    eyes: np.ndarray
    chin: int
    ear_top: np.ndarray
    nose_root: np.ndarray
    skull: np.ndarray


@dataclass(frozen=True)
class Head:
    """A turned head with its glasses, ready to be drawn.

    Attributes:
        shape: float32 (V, 3), metres, the head before it turns, without glasses.
        points, normals: float32 (P, 3), turned vertices (metres) and their unit normals; the first V are the head's.
        template: float32 (P, 3), metres, where the painter finds each vertex.
        triangles: int32 (T, 3).
        material: int32 (T,).
        cavity: bool (T,).
        bias: float32 (T,), metres.
        rim: float32 (P,).
    """

    shape: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    template: np.ndarray
    triangles: np.ndarray
    material: np.ndarray
    cavity: np.ndarray
    bias: np.ndarray
    rim: np.ndarray


def nearest_vertex(template: np.ndarray, place: tuple[float, float, float]) -> int:
    """Number of the vertex of a template (V, 3) that is nearest to a place; both in metres."""
    return int(np.argmin(np.linalg.norm(template - np.array(place), axis=1)))


@lru_cache(maxsize=1)
def topology() -> Topology:
    """Work out once what follows from the rig alone."""
    rig = load_rig()
    template = rig.template
    kept = rig.material != LASHES
    triangles, material = rig.triangles[kept], rig.material[kept].astype(np.int32)
    cavity = rig.cavity[triangles].all(axis=1) & (material == SKIN)
    bias = np.where(
        np.isin(material, (TEETH, TONGUE)) | (cavity & (template[triangles, 1].mean(axis=1) < -0.03)), 0.004, 0.0
    )
    bias[material == EYE] = 0.002  # squinting lids would let the ball show through
    touched = np.zeros(len(template), bool)
    touched[triangles[cavity]] = True
    edge = np.zeros(len(template), bool)
    edge[triangles[(material == SKIN) & ~cavity]] = True
    rim = np.zeros(len(template), np.float32)
    rim[edge & touched & (np.abs(template[:, 1]) < 0.03)] = 1.0
    eyes = np.stack([template[rig.left_eye].mean(axis=0), template[rig.right_eye].mean(axis=0)])
    middle = np.where((np.abs(template[:, 0]) < 0.004) & (template[:, 2] > -0.01) & edge, template[:, 1], 9.0)
    return Topology(
        triangles=triangles,
        material=material,
        cavity=cavity,
        bias=bias.astype(np.float32),
        rim=rim,
        eyes=eyes.astype(np.float32),
        chin=int(np.argmin(np.abs(middle + 0.117))),
        ear_top=np.array([nearest_vertex(template, (sign * 0.076, 0.008, -0.055)) for sign in (1, -1)]),
        nose_root=np.array([nearest_vertex(template, (0.0, 0.0, 0.03))]),
        skull=(template[:, 1] > 0.0) & (rig.ear < 0.05) & edge,
    )


def parted(sides: Mapping[str, tuple[float, float]]) -> float:
    """How strongly any unit parts the lips, 0..1."""
    return max(max(sides.get(unit, (0.0, 0.0))) for unit in ("AU25", "AU26", "AU27", "AU16", "AU10"))


def expression_shape(identity: Identity, sides: Mapping[str, tuple[float, float]]) -> np.ndarray:
    """The face with an expression, before the head turns.

    Args:
        identity: who.
        sides: (left, right) intensity of each unit, from :func:`ferlab.rendering.expressions.sided`.

    Returns:
        Vertices, float32 (V, 3), metres.
    """
    rig = load_rig()
    coefficients = facial_actions(sides, rig.expression_names)
    # the rig's lips stand slightly apart at rest; they meet unless the jaw drops or a unit parts them
    coefficients[rig.expression_index("jawOpen")] -= 0.055 * max(0.0, 1.0 - 2.5 * parted(sides))
    active = np.flatnonzero(coefficients)
    vertices = neutral_shape(identity).copy()
    if len(active):
        vertices += np.tensordot(coefficients[active], rig.expressions[active], 1)
    return vertices


def flatten_ears(shape: np.ndarray, identity: Identity) -> None:
    """Lay the ears flat where hanging hair or a scarf covers them: shape (V, 3), in place."""
    style = STYLES[identity.hair_style]
    if style is None or not style.curtain:
        return
    limit = float(np.abs(neutral_shape(identity)[topology().ear_top, 0]).min()) + 0.001
    ears = load_rig().ear > 0.02
    shape[ears, 0] = np.clip(shape[ears, 0], -limit, limit)


@lru_cache(maxsize=64)
def worn_glasses(identity: Identity) -> tuple[np.ndarray, np.ndarray]:
    """Vertices, float32 (P, 3) in metres, and triangles (T, 3) of the frame, fitted to the relaxed face."""
    rig, neutral = load_rig(), neutral_shape(identity)
    centers = np.stack([neutral[rig.left_eye].mean(axis=0), neutral[rig.right_eye].mean(axis=0)])
    front = float(neutral[topology().nose_root, 2].mean())
    return frame_mesh(identity.glasses, centers, front, neutral[topology().ear_top])


def turned(points: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """Points (P, 3), in metres, after the head has turned by a matrix (3, 3)."""
    return (points - PIVOT) @ rotation.T + PIVOT


def head_mesh(identity: Identity, sides: Mapping[str, tuple[float, float]], rotation: np.ndarray) -> Head:
    """The head of a person with an expression, turned.

    Args:
        identity: who.
        sides: (left, right) intensity of each unit, from :func:`ferlab.rendering.expressions.sided`.
        rotation: float32 (3, 3), the turn of the head.
    """
    known, shape = topology(), expression_shape(identity, sides)
    flatten_ears(shape, identity)
    # of the head, then of the glasses
    points, template, rim = [shape], [load_rig().template], [known.rim]
    triangles, material, cavity, bias = [known.triangles], [known.material], [known.cavity], [known.bias]
    if identity.glasses != "none":
        frame_points, frame_triangles = worn_glasses(identity)
        points.append(frame_points)
        template.append(np.zeros_like(frame_points))
        rim.append(np.zeros(len(frame_points), np.float32))
        triangles.append(frame_triangles + len(shape))
        material.append(np.full(len(frame_triangles), FRAME, np.int32))
        cavity.append(np.zeros(len(frame_triangles), bool))
        bias.append(np.zeros(len(frame_triangles), np.float32))
    all_triangles = np.concatenate(triangles)
    turned_points = np.ascontiguousarray(turned(np.concatenate(points), rotation), dtype=np.float32)
    return Head(
        shape=shape,
        points=turned_points,
        normals=vertex_normals(turned_points, all_triangles),
        template=np.concatenate(template),
        triangles=all_triangles,
        material=np.concatenate(material),
        cavity=np.concatenate(cavity),
        bias=np.concatenate(bias),
        rim=np.concatenate(rim),
    )


def eyes_to_chin(identity: Identity) -> float:
    """Metres from the eyes down to the tip of the relaxed chin."""
    return -float(neutral_shape(identity)[topology().chin, 1])
